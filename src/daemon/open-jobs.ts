// Wires the work on several devices: firmware images and the job engine. What it opened it hands back to be closed.

import type { Images } from '../contract/images.ts';
import type { GateControl } from '../gate/options.ts';
import { createJobs, type RunningJobs } from '../jobs/create-jobs.ts';
import type { JobServices } from '../jobs/job-services.ts';
import type { JournalStore } from '../store/journal.ts';
import { openImages } from './open-images.ts';
import type { SiteConfig } from './site-config.ts';

interface JobParts extends Omit<JobServices, 'images' | 'versions'> {
  readonly config: Pick<SiteConfig, 'data' | 'images'>;
  readonly gate: GateControl;
  readonly journal: JournalStore;
}

/**
 * Jobs of the last run go on, whether a page is configured or not; devices may take their time, nobody waits for them.
 * @throws StartFault `image-folder`, `image-authorities`
 */
export async function openJobs(
  { config, ...services }: JobParts,
  closers: (() => Promise<void> | void)[],
): Promise<{ readonly jobs: RunningJobs; readonly images: Images }> {
  let jobs: RunningJobs | undefined;
  const { gate, journal, clock, timers, log } = services;
  const usedBy = (image: string) => jobs?.usingImage(image);
  const images = await openImages({ config, gate, journal, clock, timers, log, usedBy });
  closers.push(() => images.close());
  jobs = createJobs({ ...services, images });
  const running = jobs;
  closers.push(() => running.stop());
  await running.takeUp();
  return { jobs, images };
}
