// Whatever becomes of a request behind this side, its asker is told once and holds nothing afterwards.

import { describe, expect, it } from 'vitest';
import { Answering } from '../../../drivers/bacnet/answering.ts';
import { Deadlines } from '../../../drivers/bacnet/deadlines.ts';
import type { Answered } from '../../../drivers/bacnet/seam.ts';
import type { Asker, Served } from '../../../drivers/bacnet/served.ts';
import { SlotTable } from '../../../drivers/bacnet/slot-table.ts';
import { anyValueOf } from '../../../drivers/bacnet/wire/any-value.ts';
import { decodeApdu } from '../../../drivers/bacnet/wire/apdu.ts';
import { StageTime } from '../../gate/stage.ts';

const SETTINGS = {
  segmentTimeoutMs: 1000,
  retries: 0,
  windowSize: 4,
  messageOctets: 65_536,
  outstandingPerStation: 4,
  outstanding: 4,
  reassemblyOctetsPerStation: 65_536,
  reassemblyOctets: 65_536,
};

/** ReadProperty of the present value of analog-input,1, by invoke id 7. */
const READ = Uint8Array.of(0x00, 0x05, 7, 12, 0x0c, 0, 0, 0, 1, 0x19, 85);

function answersOf(serve: (answered: Answered) => void) {
  const time = new StageTime();
  const sent: string[] = [];
  const faults: unknown[] = [];
  const asker: Asker = { served: new SlotTable<Served>(), underWay: 0, share: { underWay: 0, octets: 0 } };
  const answering = new Answering(
    {
      transmit: (_asker, _target, apdu) => sent.push(Buffer.from(apdu).toString('hex')),
      serve: (_asker, _target, _request, answered) => serve(answered),
      mayRepeat: () => true,
      refused: () => undefined,
    },
    SETTINGS,
    new Deadlines(time, time),
    {
      request: () => undefined,
      repeated: () => undefined,
      overLimit: () => undefined,
      ownFault: (fault) => faults.push(fault),
    },
  );
  const apdu = decodeApdu(READ);
  if (!apdu.ok || apdu.value.type !== 'confirmed-request') throw new Error('expected a request');
  answering.request(asker, { number: 1, changes: 0 }, apdu.value);
  expect([answering.underWay, asker.underWay, asker.share.underWay, asker.served.size]).toEqual([0, 0, 0, 0]);
  return { sent, faults };
}

describe('one request', () => {
  it('is answered once, however often it is told', () => {
    const { sent, faults } = answersOf((answered) => {
      answered({ kind: 'abort', reason: 9 });
      answered({ kind: 'simple-ack' });
    });
    expect(sent).toEqual(['710709']);
    expect(faults).toEqual([]);
  });

  it('is aborted where serving it throws', () => {
    const fault = new Error('of our own');
    const { sent, faults } = answersOf(() => {
      throw fault;
    });
    expect(sent).toEqual(['710700']);
    expect(faults).toEqual([fault]);
  });

  it('is aborted where no frame can carry its answer', () => {
    const { sent, faults } = answersOf((answered) =>
      answered({
        kind: 'complex-ack',
        ack: {
          service: 'read-property',
          parameters: {
            objectIdentifier: { type: 0, instance: 2 ** 30 },
            propertyIdentifier: 85,
            propertyValue: anyValueOf([]),
          },
        },
      }),
    );
    expect(sent).toEqual(['710700']);
    expect(faults).toEqual([expect.any(RangeError)]);
  });
});
