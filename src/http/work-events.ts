// Jobs and images as they change, told to whoever follows. Invariant: of each at most two states a second, the last always among them.

import type { Timers } from '../contract/clock.ts';
import type { Images, StoredImage } from '../contract/images.ts';
import type { Job, Jobs } from '../contract/jobs.ts';

const GAP_MS = 500;

export interface WorkEvents {
  /** Whenever a job or an image changed, until the returned function is called. */
  follow(heard: { readonly job: (job: Job) => void; readonly image: (image: StoredImage) => void }): () => void;
  stop(): void;
}

type Heard = Parameters<WorkEvents['follow']>[0];

export function createWorkEvents(jobs: Jobs, images: Images, timers: Timers): WorkEvents {
  const listeners = new Set<Heard>();
  /** What changed since it was told of last, and the rest until it may be told again. */
  const resting = new Map<string, { timer: { cancel(): void }; tell: (() => void) | undefined }>();

  function soon(key: string, tell: () => void): void {
    const rest = resting.get(key);
    if (rest) rest.tell = tell;
    else {
      tell();
      resting.set(key, { timer: timers.after(GAP_MS, () => again(key)), tell: undefined });
    }
  }

  function again(key: string): void {
    const rest = resting.get(key);
    resting.delete(key);
    if (rest?.tell) soon(key, rest.tell);
  }

  const forgets = [
    jobs.onChange((job) =>
      soon(`job ${job.id}`, () => {
        for (const { job: heard } of listeners) heard(job);
      }),
    ),
    images.onChange((image) =>
      soon(`image ${image.id}`, () => {
        for (const { image: heard } of listeners) heard(image);
      }),
    ),
  ];
  return {
    follow(heard) {
      listeners.add(heard);
      return () => listeners.delete(heard);
    },
    stop() {
      for (const forget of forgets) forget();
      for (const { timer } of resting.values()) timer.cancel();
      resting.clear();
      listeners.clear();
    },
  };
}
