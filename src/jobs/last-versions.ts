// Part of "checking": which firmware each device last said that it runs, for the day when nothing but its boot loader answers.
// Invariants: 1. kept through a restart, and for a job before anything is sent; 2. only what runs says it: neither a boot loader
// nor an image that waits.

import type { FirmwareStanding } from '../contract/firmware.ts';
import { reason } from '../contract/reasons.ts';
import type { Shelf } from '../contract/shelf.ts';
import { fail, ok, type Result } from '../model/result.ts';

export interface LastVersions {
  /** `undefined`: it was never heard. */
  of(device: string): string | undefined;
  /** Ok once that is durable; a text says why it is not. */
  heard(device: string, standing: FirmwareStanding): Promise<Result<void, string>>;
}

const KIND = 'firmware-version';

export function createLastVersions(shelf: Pick<Shelf, 'put' | 'list'>, now: () => number): LastVersions {
  const known = new Map(shelf.list(KIND).map(({ id, body }) => [id, body]));
  const unsaved = new Set<string>();
  return {
    of: (device) => known.get(device),
    async heard(device, { state, version }) {
      if (state !== 'running' || version === undefined) return ok(undefined);
      if (known.get(device) === version && !unsaved.has(device)) return ok(undefined);
      known.set(device, version);
      unsaved.add(device);
      try {
        await shelf.put(KIND, { id: device, at: now(), body: version });
      } catch (error) {
        return fail(reason('version-not-kept', { why: error instanceof Error ? error.message : String(error) }));
      }
      if (known.get(device) === version) unsaved.delete(device);
      return ok(undefined);
    },
  };
}
