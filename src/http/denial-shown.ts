// A refusal as the API shows it: which point and device, which right is missing, whom to ask. Invariant: nothing is named that
// the asker may not see, and no person whom they may not.

import type { Clock } from '../contract/clock.ts';
import type { Caller, Denial } from '../contract/gate.ts';
import type { DecisionRequest, TargetVerdict } from '../model/decision.ts';
import { askWhom } from '../policy/ask-whom.ts';
import type { PolicySnapshot } from '../policy/rights.ts';
import { askedBy } from './asker.ts';
import type { ApiDenied } from './schema-shared.ts';
import type { Sight } from './sight.ts';

const MOST_SHOWN = 50;
const MOST_ASKED = 10;

type Denied = Extract<TargetVerdict, { permitted: false }>;

/** To whom it is shown. */
interface Shown {
  readonly sight: Sight;
  readonly caller: Caller;
  readonly clock: Clock;
}

/** One row for each denied target; where none was looked at, one for the reason itself. */
export function shownDenial(denial: Omit<Denial, 'decisionId'>, shown: Shown): ApiDenied[] {
  const { sight, caller, clock } = shown;
  const refused = denial.verdicts.filter((verdict): verdict is Denied => !verdict.permitted).slice(0, MOST_SHOWN);
  if (refused.length === 0) {
    return [{ ...placed(sight, denial.target), reason: denial.reason, text: shownText(denial, shown) }];
  }
  return refused.map(({ target, reason, missing, lock }, at) => {
    const request = { ...askedBy(caller, clock), action: missing, targets: [target] };
    return {
      ...placed(sight, target),
      reason,
      needed: missing,
      ...(lock !== undefined && { rule: `lock ${lock}` }),
      ...(at < MOST_ASKED && { askWhom: whom(sight.snapshot, request, target) }),
    };
  });
}

/** Whom to ask; people, not their number, are withheld from who may not see them. */
function whom(snapshot: PolicySnapshot, request: DecisionRequest, target: string): ApiDenied['askWhom'] {
  const { people, count, withheld } = askWhom(snapshot, request, target);
  return { people: [...people], count, withheld };
}

/** The gate's sentence names targets: only where they may be seen. */
export function shownText({ text, reason, target }: Omit<Denial, 'decisionId'>, { sight }: Shown): string {
  const handle = target === undefined ? undefined : sight.tree.inventory.find(target);
  const isHidden = target !== undefined && (handle === undefined || !sight.sees(handle));
  return isHidden ? `denied: ${reason}` : text;
}

/** The place, device or point, where it may be seen. */
function placed(sight: Sight, target: string | undefined): Pick<ApiDenied, 'point' | 'device' | 'location'> {
  const handle = target === undefined ? undefined : sight.tree.inventory.find(target);
  if (target === undefined || handle === undefined || !sight.sees(handle)) return {};
  if (sight.tree.isDevice(handle)) return { device: target };
  if (sight.tree.isLocation(handle)) return { location: target };
  const device = sight.tree.inventory.point(handle)?.device;
  return {
    point: target,
    ...(device !== undefined && sight.sees(device) && { device: sight.tree.inventory.idOf(device) }),
  };
}
