// Wires the firmware images: their folder, the keys of the policy in force, the record of what came and went.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openImageManifest } from '../cloud/image-signature.ts';
import type { Clock, Timers } from '../contract/clock.ts';
import { StartFault } from '../contract/driver.ts';
import type { Journal } from '../contract/journal.ts';
import type { Log } from '../contract/log.ts';
import type { GateControl } from '../gate/options.ts';
import { type ImageStore, openImageStore } from '../store/image-store.ts';
import type { SiteConfig } from './site-config.ts';

interface ImageParts {
  readonly config: Pick<SiteConfig, 'data' | 'images'>;
  readonly gate: Pick<GateControl, 'policy'>;
  readonly journal: Pick<Journal, 'note'>;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  /** The job that needs an image and has not ended. */
  usedBy(image: string): string | undefined;
}

/** @throws StartFault `image-folder`, `image-authorities` */
export async function openImages(parts: ImageParts): Promise<ImageStore> {
  const { config, gate, journal, clock, timers, log, usedBy } = parts;
  const { maxBytes, hosts, caFile } = config.images;
  const folder = join(config.data, 'images');
  let images: ImageStore;
  try {
    images = await openImageStore({
      folder,
      maxBytes,
      clock,
      timers,
      log,
      usedBy,
      verify: (jws) => openImageManifest(jws, gate.policy()?.header.keys?.images ?? []),
      fetching: { hosts, ...(caFile !== undefined && { ca: readAuthorities(caFile) }) },
    });
  } catch (error) {
    if (error instanceof StartFault) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new StartFault('image-folder', `cannot keep images in \`${folder}\`: ${why}`, { cause: error });
  }
  const ready = new Set(images.list().flatMap(({ id, state }) => (state === 'ready' ? [id] : [])));
  images.onChange(({ id, state, manifest, key, addedBy }) => {
    if (state !== 'ready') return void ready.delete(id);
    if (ready.has(id)) return;
    ready.add(id);
    const { vendor, model, version, size } = manifest;
    const detail = { image: id, vendor, model, version, size, key, principal: addedBy };
    journal.note({ kind: 'system', at: clock.now(), event: 'image-ready', detail });
  });
  return images;
}

function readAuthorities(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new StartFault('image-authorities', `cannot read \`${file}\` (images): ${(error as Error).message}`);
  }
}
