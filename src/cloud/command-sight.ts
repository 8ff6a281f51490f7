// What the principal of a command may see, and a denial as it is told to them. Invariant: who may not see a thing does not learn
// whether it is there.

import type { Caller, Denial, Gate } from '../contract/gate.ts';
import type { InventoryView } from '../model/point.ts';
import { denialResult, type WorkRefusal } from './work-answer.ts';

export interface CommandSight {
  readonly gate: Pick<Gate, 'reader'>;
  /** Of the policy in force at this moment. */
  readonly inventory: () => InventoryView | undefined;
}

/** By id: a point that may be read, another thing that may be viewed. */
export function sightOf({ gate, inventory }: CommandSight, caller: Caller): (id: string) => boolean {
  const view = inventory();
  const [devices, points] = [gate.reader(caller, 'device.view'), gate.reader(caller, 'point.read')];
  return (id) => {
    const handle = view?.find(id);
    if (view === undefined || handle === undefined) return false;
    return (view.point(handle) ? points : devices).permits(handle);
  };
}

/** What the principal may not see is not named. Of an act on a job nothing was recorded that a decision could be named by. */
export function deniedTo(
  look: CommandSight,
  caller: Caller,
  denial: Omit<Denial, 'decisionId'> & { readonly decisionId?: string },
): WorkRefusal {
  const sees = sightOf(look, caller);
  const { target, ...rest } = denial;
  const isSeen = target === undefined || sees(target);
  const verdicts = denial.verdicts.filter((verdict) => sees(verdict.target));
  const shown = denialResult({ ...rest, verdicts, ...(isSeen && target !== undefined && { target }) });
  return { code: 'denied', text: isSeen ? denial.text : `denied: ${denial.reason}`, denial: shown };
}
