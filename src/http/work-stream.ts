// Jobs and images on the live stream. Invariants: 1. each is shown by the very decision of the lists; 2. what is not to be seen
// any more is said to be gone.

import type { StoredImage } from '../contract/images.ts';
import type { Job } from '../contract/jobs.ts';
import type { Context } from './context.ts';
import type { EventStream } from './event-streams.ts';
import { mayUpdate, shownImage } from './image-routes.ts';
import { isEnded, shownJob, shownSummary } from './job-shown.ts';

interface WorkWanted {
  /** Every job and image. */
  readonly all: boolean;
  /** This one with its devices. */
  readonly job: string | undefined;
}

/** What is under way is told first, then every change. */
export function followWork(context: Context, stream: EventStream, { all, job: named }: WorkWanted): void {
  if (!all && named === undefined) return;
  const { jobs, images } = context.options;
  const { asker } = stream;
  /** Told of, by kind and id. */
  const told = new Set<string>();

  function tell(kind: 'job' | 'image', id: string, shown: unknown): void {
    const key = `${kind} ${id}`;
    if (shown !== undefined) {
      told.add(key);
      stream.send(kind, shown);
    } else if (told.delete(key)) stream.send('gone', { kind, id });
  }

  const seesImages = (): boolean => context.sights.of(asker.caller) !== undefined && mayUpdate(context, asker);

  function tellJob(job: Job): void {
    if (job.id === named) tell('job', job.id, shownJob(context, asker, job, false));
    else if (all) tell('job', job.id, shownSummary(context, asker, job));
  }

  function tellImage(image: StoredImage): void {
    if (all) tell('image', image.id, seesImages() ? shownImage(context, asker, image) : undefined);
  }

  for (const job of jobs.list()) if (job.id === named || !isEnded(job)) tellJob(job);
  if (named !== undefined && !told.has(`job ${named}`)) stream.send('gone', { kind: 'job', id: named });
  for (const image of images.list()) if (image.state === 'receiving') tellImage(image);
  stream.onEnd(context.work.follow({ job: tellJob, image: tellImage }));
  stream.onLook(() => {
    for (const key of [...told]) {
      const [kind, id = ''] = key.split(' ');
      const job = jobs.get(id);
      if (kind === 'image' ? !seesImages() || !images.get(id) : !job || !shownSummary(context, asker, job)) {
        tell(kind === 'image' ? 'image' : 'job', id, undefined);
      }
    }
  });
}
