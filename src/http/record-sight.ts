// Which rows of the record somebody may read: those of organizations where they hold `audit.read`. Invariant: a row that names
// something of another organization, or nothing at all, is for those who hold it in all of them; so is the sentence in a row that does.

import type { Clock } from '../contract/clock.ts';
import type { Caller } from '../contract/gate.ts';
import type { JournalRow, SystemRow } from '../model/journal-row.ts';
import type { PolicySnapshot } from '../policy/rights.ts';
import { ownerOf } from '../policy/rights.ts';
import { mayIn } from './asker.ts';
import { saidOf } from './said.ts';

export interface RecordSight {
  readonly everything: boolean;
  readonly something: boolean;
  shows(row: JournalRow): boolean;
  /** A row that is shown, as it is shown. */
  told(row: JournalRow): JournalRow;
}

/** `intentOf` finds what an outcome belongs to. */
export function recordSight(
  snapshot: PolicySnapshot,
  caller: Caller,
  clock: Clock,
  intentOf: (decision: string) => JournalRow | undefined,
): RecordSight {
  const { rights, inventory } = snapshot;
  const held = new Set(
    rights.organizations.filter((each) => mayIn(snapshot, caller, clock, 'audit.read', each)).map(({ id }) => id),
  );
  const everything = held.size === rights.organizations.length && held.size > 0;
  const isTheirs = (target: string): boolean => {
    const handle = inventory.find(target);
    return handle !== undefined && held.has(ownerOf(rights, handle).id);
  };
  const isHome = (principal: unknown): boolean => {
    const home = typeof principal === 'string' ? rights.people.get(principal)?.home : undefined;
    return home !== undefined && held.has(home);
  };
  function shows(row: JournalRow): boolean {
    if (everything) return true;
    switch (row.kind) {
      case 'intent':
        return row.effects.length > 0 && row.effects.every(({ target }) => isTheirs(target));
      case 'refusal': {
        const named = [...row.effects.map(({ target }) => target), ...(row.target === undefined ? [] : [row.target])];
        return named.length > 0 && named.every(isTheirs);
      }
      case 'outcome': {
        const intent = intentOf(row.decision);
        return intent?.kind === 'intent' && shows(intent);
      }
      case 'session':
        return isHome(row.principal);
      case 'system': {
        const targets = targetsIn(row.detail);
        return targets.length > 0 ? targets.every(isTheirs) : isHome(row.detail.principal);
      }
    }
  }
  function told(row: JournalRow): JournalRow {
    if (everything || row.kind !== 'system') return row;
    const say = (why: string): string => saidOf(why, inventory, (handle) => held.has(ownerOf(rights, handle).id));
    const { rows, ...detail } = toldIn(row.detail, say);
    const within = Array.isArray(rows) ? { rows: rows.map((each: Detail) => toldIn(each, say)) } : {};
    return { ...row, detail: { ...detail, ...within } };
  }
  return { everything, something: held.size > 0, shows, told };
}

type Detail = SystemRow['detail'];

const toldIn = (detail: Detail, say: (why: string) => string): Detail =>
  typeof detail.why === 'string' ? { ...detail, why: say(detail.why) } : detail;

/** Of rows about work: `target`, `targets`, and `rows` of targets. */
function targetsIn({ target, targets, rows }: { readonly [key: string]: unknown }): string[] {
  const listed = Array.isArray(targets) ? targets : [];
  const named = Array.isArray(rows) ? rows.map((row: { readonly target?: unknown }) => row.target) : [];
  return [target, ...listed, ...named].filter((each) => typeof each === 'string');
}
