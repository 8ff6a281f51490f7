// Page, API, jobs ─► Change: the requests that would put values into points of one device. Nothing is sent here.
// 1. Every fault of every write is named. 2. What is planned is classified like a frame, so that the same things are judged.

import type { PointWrite } from '../../src/contract/driver.ts';
import type { Change, Effect } from '../../src/contract/gate.ts';
import { type DocumentFault, describeFound } from '../../src/model/fault.ts';
import { fail, isNonEmpty, type NonEmpty, ok, type Result } from '../../src/model/result.ts';
import type { IndexedDevice, ModbusIndex } from './address.ts';
import { classify } from './classify.ts';
import type { ModbusChange } from './modbus-change.ts';
import { writtenValue } from './point-value.ts';
import { registerAt } from './wire/octets.ts';
import { bitMasks } from './wire/registers.ts';
import type { Request } from './wire/request.ts';

const nothingPermitted = (): undefined => undefined;

/** The change that writes these points, all of one device, in their order. */
export function planWrites(
  writes: NonEmpty<PointWrite>,
  index: ModbusIndex | undefined,
): Result<Change<ModbusChange>, NonEmpty<DocumentFault>> {
  const faults: DocumentFault[] = [];
  const requests: Request[] = [];
  let device: IndexedDevice | undefined;
  for (const [at, { target, value, priority }] of writes.entries()) {
    const point = index?.inventory.point(target);
    const entry = index?.entryOf(target);
    const own = point === undefined ? undefined : index?.device(point.device);
    if (index === undefined || entry === undefined || own === undefined) {
      faults.push({ path: `${at}.target`, found: `\`${target}\``, expected: 'a point with a Modbus address' });
      continue;
    }
    device ??= own;
    if (own !== device)
      faults.push({ path: `${at}.target`, found: 'a point of another device', expected: 'points of one device' });
    if (priority !== undefined)
      faults.push({ path: `${at}.priority`, found: describeFound(priority), expected: 'no priority: Modbus has none' });
    const request = requestFor(index, own, entry, value);
    if (typeof request === 'string')
      faults.push({ path: `${at}.value`, found: describeFound(value), expected: request });
    else requests.push(request);
  }
  if (isNonEmpty(faults)) return fail(faults);
  if (index === undefined || device === undefined || !isNonEmpty(requests))
    return fail([{ path: '', found: 'nothing', expected: 'at least one write' }]);
  return ok(changeOf(index, device, requests));
}

/** A text says what was expected instead. */
function requestFor(
  index: ModbusIndex,
  device: IndexedDevice,
  entry: number,
  value: PointWrite['value'],
): Request | string {
  const table = index.tableOf(device, entry);
  const shape = index.shapeOf(entry);
  if (table === 'discrete' || table === 'input')
    return `a point that can be written, not one of the table \`${table}\``;
  if (shape.scaleRegister !== undefined) return 'a point without a scale register: its registers depend on the device';
  const written = writtenValue(shape, value, undefined);
  if (!written.ok) return written.fault.message;
  const address = index.startOf(entry);
  switch (written.value.kind) {
    case 'coil':
      return { kind: 'writeSingleCoil', address, value: written.value.on };
    case 'bit': {
      const masks = bitMasks({ type: 'bit', bit: written.value.bit }, written.value.on);
      return masks.ok ? { kind: 'maskWriteRegister', address, ...masks.value } : masks.fault.message;
    }
    case 'registers': {
      const { registers: values } = written.value;
      return values.length === 2
        ? { kind: 'writeSingleRegister', address, value: registerAt(values, 0) }
        : { kind: 'writeMultipleRegisters', address, quantity: values.length / 2, values };
    }
  }
}

function changeOf(index: ModbusIndex, device: IndexedDevice, requests: NonEmpty<Request>): Change<ModbusChange> {
  const addressee = { index, devices: [device], broadcast: false } as const;
  const changes = requests.flatMap((request) => {
    const what = classify(request, addressee, nothingPermitted);
    return what.kind === 'change' ? [what.change] : [];
  });
  const effects = changes.flatMap((change): readonly Effect[] => change.effects);
  const [first] = changes;
  if (first === undefined || !isNonEmpty(effects)) throw new RangeError('a planned write is no change');
  if (changes.length === 1) return first;
  const { sameness: _sameness, ...rest } = first;
  return {
    ...rest,
    operation: changes
      .map(({ operation }) => operation)
      .join('+')
      .slice(0, 200),
    what: { ...first.what, requests, points: effects.map(({ target }) => target) },
    effects,
    ...(changes.some(({ rawImage }) => rawImage) && {
      rawImage: true as const,
      transfer: { device: device.handle, ends: changes.some(({ transfer }) => transfer?.ends) },
    }),
  };
}
