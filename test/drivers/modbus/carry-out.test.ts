// A change that was redeemed has an outcome in the record, whatever breaks on its way.

import { expect, test } from 'vitest';
import type { ModbusIndex } from '../../../drivers/modbus/address.ts';
import { carryOut } from '../../../drivers/modbus/carry-out.ts';
import type { Line } from '../../../drivers/modbus/line.ts';
import type { ModbusChange } from '../../../drivers/modbus/modbus-change.ts';
import type { Gate, Permit } from '../../../src/contract/gate.ts';
import type { Outcome } from '../../../src/model/journal-row.ts';

test('a fault of our own between redeeming and settling is an outcome nobody knows', async () => {
  const outcomes: Outcome[] = [];
  const change = { broadcast: false, devices: [{ unit: 1 }], requests: [{ kind: 'readDeviceId' }], points: [] };
  const gate = {
    redeem: async () => ({ redeemed: true, change }),
    settle: (_permit: unknown, outcome: Outcome) => outcomes.push(outcome),
  } as unknown as Gate;
  const line = {
    ready: (then: (up: boolean) => void) => then(true),
    exchange: () => {
      throw new RangeError('torn');
    },
  } as unknown as Line;
  const parts = { gate, line, index: {} as ModbusIndex, isCurrent: () => true, readsBack: false };
  const permit = { readFirst: [] } as unknown as Permit<ModbusChange>;
  await expect(carryOut(parts, permit, [], () => undefined)).rejects.toThrow('torn');
  expect(outcomes).toEqual([{ kind: 'unknown', why: 'a fault of the gateway’s own came between' }]);
});
