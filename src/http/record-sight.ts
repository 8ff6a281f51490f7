// Which rows of the record somebody may read: those of organizations where they hold `audit.read`. Invariant: a row that names
// something of another organization, or of nobody, is for those who hold it in all of them.

import type { Clock } from '../contract/clock.ts';
import type { Caller } from '../contract/gate.ts';
import type { JournalRow } from '../model/journal-row.ts';
import type { PolicySnapshot } from '../policy/rights.ts';
import { ownerOf } from '../policy/rights.ts';
import { mayIn } from './asker.ts';

export interface RecordSight {
  readonly everything: boolean;
  readonly something: boolean;
  shows(row: JournalRow): boolean;
}

export function recordSight(snapshot: PolicySnapshot, caller: Caller, clock: Clock): RecordSight {
  const { rights, inventory } = snapshot;
  const held = new Set(
    rights.organizations.filter((each) => mayIn(snapshot, caller, clock, 'audit.read', each)).map(({ id }) => id),
  );
  const everything = held.size === rights.organizations.length && held.size > 0;
  const isTheirs = (target: string): boolean => {
    const handle = inventory.find(target);
    return handle !== undefined && held.has(ownerOf(rights, handle).id);
  };
  return {
    everything,
    something: held.size > 0,
    shows(row) {
      if (everything) return true;
      switch (row.kind) {
        case 'intent':
        case 'refusal':
          return row.effects.length > 0 && row.effects.every(({ target }) => isTheirs(target));
        case 'session': {
          const home = rights.people.get(row.principal)?.home;
          return home !== undefined && held.has(home);
        }
        default:
          return false;
      }
    },
  };
}
