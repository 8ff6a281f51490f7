// Alarms that devices hold themselves: what is in alarm, and acknowledging it. An acknowledgement is a change like any other.

import type { TargetHandle } from '../model/ids.ts';
import type { Result } from '../model/result.ts';
import type { Change } from './gate.ts';

export interface ActiveAlarm {
  readonly device: TargetHandle;
  /** The point in alarm; absent = the thing in alarm is no point of the inventory. */
  readonly target?: TargetHandle;
  /** What it is about, where that is not itself: points and devices. Who may not see alarms of one of them sees none of this. */
  readonly monitored?: readonly TargetHandle[];
  /** The driver's own name of the thing and its transition: what `planAcknowledge` goes by, unique within the device. */
  readonly key: string;
  /** The standard's word: `high-limit`, `offnormal`, `fault`, `normal` (gone, not acknowledged yet). */
  readonly state: string;
  /** ms since 1970; absent = the device does not say. */
  readonly since?: number;
  /** Every transition that asks for it has been acknowledged. */
  readonly acknowledged: boolean;
}

export interface AlarmDriver {
  /** What the device reports as in alarm or not acknowledged. A text says why it could not be asked. */
  list(device: TargetHandle): Promise<Result<readonly ActiveAlarm[], string>>;
  /** The change that acknowledges it in somebody's name (`alarm.acknowledge`); carried out by the driver's `perform`. */
  planAcknowledge(alarm: ActiveAlarm, by: string): Result<Change<unknown>, string>;
}
