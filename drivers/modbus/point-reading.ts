// Registers of points, asked of a device by the gateway itself: old values, read-backs, the page.
// 1. Neighbours are read together; nothing that is no point's is read, but scale registers. 2. After one answer that did not come, the rest is not asked.

import type { OldValue } from '../../src/contract/gate.ts';
import type { IndexedDevice, ModbusIndex } from './address.ts';
import type { Answer } from './line.ts';
import { tables } from './point-address.ts';
import { exponentAt, pointValue } from './point-value.ts';
import type { ReadRequest, Request } from './wire/request.ts';

export type Ask = (unitId: number, request: Request) => Promise<Answer>;

interface Span {
  readonly table: number;
  readonly from: number;
  to: number;
  readonly entries: number[];
}

const readKinds: readonly ReadRequest['kind'][] = [
  'readCoils',
  'readDiscreteInputs',
  'readHoldingRegisters',
  'readInputRegisters',
];
const longestSpan = 120;

/** The values of some entries of one device, by entry. */
export async function readEntries(
  index: ModbusIndex,
  device: IndexedDevice,
  entries: readonly number[],
  ask: Ask,
): Promise<Map<number, OldValue>> {
  const found = new Map<number, OldValue>();
  const exponents = new Map<string, number | undefined>();
  let silent: string | undefined;
  const registersOf = async (table: number, from: number, count: number): Promise<Uint8Array | string> => {
    if (silent !== undefined) return silent;
    const answer = await ask(device.unit, {
      kind: readKinds[table] ?? 'readHoldingRegisters',
      address: from,
      quantity: count,
    });
    const values = valuesOf(answer);
    if (typeof values === 'string' && answer.kind !== 'response') silent = values;
    return values;
  };
  for (const span of spansOf(index, device, entries)) {
    const values = await registersOf(span.table, span.from, span.to - span.from);
    for (const entry of span.entries) {
      if (typeof values === 'string') {
        found.set(entry, { unknown: values });
        continue;
      }
      const shape = index.shapeOf(entry);
      const { scaleRegister } = shape;
      let exponent: number | undefined;
      if (scaleRegister !== undefined) {
        const key = `${span.table} ${scaleRegister}`;
        if (!exponents.has(key)) {
          const scale = await registersOf(span.table, scaleRegister, 1);
          exponents.set(key, typeof scale === 'string' ? undefined : exponentAt(scale, 0));
        }
        exponent = exponents.get(key);
      }
      const value = pointValue(shape, values, index.startOf(entry) - span.from, exponent);
      found.set(entry, value.ok ? { value: value.value } : { unknown: value.fault.message });
    }
  }
  return found;
}

/** The exponents of scale registers of a device's holding table; `string`: why they could not be read. */
export async function readExponents(
  device: IndexedDevice,
  registers: Iterable<number>,
  ask: Ask,
): Promise<ReadonlyMap<number, number | undefined> | string> {
  const exponents = new Map<number, number | undefined>();
  for (const address of registers) {
    const values = valuesOf(await ask(device.unit, { kind: 'readHoldingRegisters', address, quantity: 1 }));
    if (typeof values === 'string') return values;
    exponents.set(address, exponentAt(values, 0));
  }
  return exponents;
}

function valuesOf(answer: Answer): Uint8Array | string {
  if (answer.kind === 'unanswered') return 'no answer is given to this';
  if (answer.kind !== 'response') return answer.why;
  const { response } = answer;
  if (response.kind === 'exception') return `the device answered exception ${response.exceptionCode}`;
  return 'values' in response ? response.values : 'the device answered something else';
}

function spansOf(index: ModbusIndex, device: IndexedDevice, entries: readonly number[]): Span[] {
  const spans: Span[] = [];
  let span: Span | undefined;
  for (const entry of [...entries].sort((a, b) => a - b)) {
    const table = tables.indexOf(index.tableOf(device, entry));
    const start = index.startOf(entry);
    const end = index.endOf(entry);
    if (span !== undefined && span.table === table && start <= span.to && end - span.from <= longestSpan) {
      span.to = Math.max(span.to, end);
      span.entries.push(entry);
    } else {
      span = { table, from: start, to: end, entries: [entry] };
      spans.push(span);
    }
  }
  return spans;
}
