// What a Modbus change is to this driver: the immutable thing the gate judges, hands back once, and the lane then sends.

import type { TargetHandle } from '../../src/model/ids.ts';
import type { NonEmpty } from '../../src/model/result.ts';
import type { IndexedDevice } from './address.ts';
import type { Request } from './wire/request.ts';

export interface ModbusChange {
  readonly line: string;
  /** All of one line. More than one only where it is a broadcast. */
  readonly devices: NonEmpty<IndexedDevice>;
  /** Sent once to unit 0 of the line, answered by nobody. */
  readonly broadcast: boolean;
  /** Sent one after the other in one lane turn; a frame from the north is always one. */
  readonly requests: NonEmpty<Request>;
  /** The points it would write: read back where nobody knows whether it was carried out. */
  readonly points: readonly TargetHandle[];
}
