// Frame ─► what it says and what it would do, for a person: Modbus/TCP or RTU, a request or an answer, by its own octets.

import type { DescribedFrame, FrameContext, FrameMeaning, FrameRead } from '../../src/contract/described-frame.ts';
import { type IndexedDevice, ModbusIndex } from './address.ts';
import { classify, type SitePermits } from './classify.ts';
import type { ModbusSection } from './config.ts';
import { tables } from './point-address.ts';
import { crc16 } from './wire/crc.ts';
import { decodeRequest } from './wire/decode-request.ts';
import type { PduFault } from './wire/fault.ts';
import { functionOf, functionTable } from './wire/function-codes.ts';
import { bitAt, registerAt, u16 } from './wire/octets.ts';
import { functionCodeOf, type ReadRequest, type Request } from './wire/request.ts';

const mbapLength = 7;

interface Cut {
  readonly form: string;
  readonly header: string;
  readonly unit: number;
  readonly pdu: Uint8Array;
}

/** `undefined` where neither the MBAP header nor a CRC holds. */
export function describeFrame(octets: Uint8Array, context: FrameContext): DescribedFrame | undefined {
  const frame = cut(octets);
  if (frame === undefined) return undefined;
  const { form, header, unit, pdu } = frame;
  const request = decodeRequest(pdu);
  const answer = answerLines(pdu);
  if (answer !== undefined && (!request.ok || isException(pdu))) return said(frame, answer);
  if (!request.ok) return malformed(frame, request.fault);
  const lines = [header, `unit ${unit}`, ...requestLines(request.value)];
  const { meaning, remarks } = meaningOf(request.value, unit, context);
  const both = answer === undefined ? [] : ['read as a request; as an answer the same octets could stand too'];
  return { form, lines, meaning, remarks: [...remarks, ...both] };
}

function cut(octets: Uint8Array): Cut | undefined {
  if (octets.length > mbapLength && u16(octets, 2) === 0 && u16(octets, 4) === octets.length - 6) {
    const header = `MBAP transaction ${u16(octets, 0)}, protocol 0, length ${u16(octets, 4)}`;
    return { form: 'Modbus/TCP', header, unit: octets[6] ?? 0, pdu: octets.subarray(mbapLength) };
  }
  const end = octets.length - 2;
  if (end < 2 || crc16(octets, 0, end) !== (octets[end] ?? 0) + ((octets[end + 1] ?? 0) << 8)) return undefined;
  return { form: 'Modbus RTU', header: 'CRC holds', unit: octets[0] ?? 0, pdu: octets.subarray(1, end) };
}

function malformed({ form, header, unit, pdu }: Cut, fault: PduFault): DescribedFrame {
  const answered = fault.answer === 'none' ? 'not answered' : `answered with exception ${hex(fault.answer)}`;
  return {
    form,
    lines: [header, `unit ${unit}`, `function ${pdu[0] ?? 0}: ${fault.message} (\`${fault.code}\`)`],
    meaning: { kind: 'malformed', why: fault.message },
    remarks: [`as a request it would be ${answered}, and recorded; nothing would go to a device`],
  };
}

function said({ form, header, unit }: Cut, lines: readonly string[]): DescribedFrame {
  return {
    form,
    lines: [header, `unit ${unit}`, ...lines],
    meaning: { kind: 'no-request', why: 'an answer: it counts only for the request that waits for it' },
    remarks: [],
  };
}

const hex = (number: number): string => number.toString(16).padStart(2, '0').toUpperCase();

const EXCEPTIONS: { readonly [code: number]: string } = {
  1: 'illegal function',
  2: 'illegal data address',
  3: 'illegal data value',
  4: 'server device failure',
  5: 'acknowledge',
  6: 'server device busy',
  8: 'memory parity error',
  10: 'gateway path unavailable',
  11: 'gateway target device failed to respond',
};

function isException(pdu: Uint8Array): boolean {
  return (pdu[0] ?? 0) >= 0x80 && pdu.length === 2;
}

/** Of an answer what can be told without its request: exceptions, and reads by their byte count. */
function answerLines(pdu: Uint8Array): string[] | undefined {
  const code = pdu[0] ?? 0;
  if (isException(pdu)) {
    const exception = pdu[1] ?? 0;
    return [
      `${nameOf(code & 0x7f)} answered with exception ${hex(exception)}: ${EXCEPTIONS[exception] ?? 'of a vendor'}`,
    ];
  }
  const count = pdu[1];
  if (count === undefined || count !== pdu.length - 2 || count === 0) return undefined;
  if (code === 1 || code === 2) return [`${nameOf(code)} answered`, `  bits: ${bits(pdu.subarray(2), count * 8)}`];
  if ((code === 3 || code === 4 || code === 23) && count % 2 === 0)
    return [`${nameOf(code)} answered`, `  registers: ${registers(pdu.subarray(2))}`];
  return undefined;
}

function nameOf(code: number): string {
  return functionTable.find(({ functionCode }) => functionCode === code)?.name ?? `function ${code}`;
}

function registers(values: Uint8Array): string {
  return Array.from({ length: values.length >> 1 }, (_, at) => registerAt(values, at)).join(' ');
}

function bits(values: Uint8Array, quantity: number): string {
  return Array.from({ length: quantity }, (_, at) => (bitAt(values, at) ? '1' : '0')).join('');
}

function requestLines(request: Request): string[] {
  const { name, clause } = functionOf(request);
  return [
    `${name} (function ${functionCodeOf(request)}, V1.1b3 ${clause})`,
    ...Object.entries(request)
      .filter(([key]) => key !== 'kind' && key !== 'functionCode')
      .map(([key, value]) => `  ${key}: ${fieldText(request, key, value)}`),
  ];
}

function fieldText(request: Request, key: string, value: unknown): string {
  if (Array.isArray(value))
    return value
      .map((record: { readonly [name: string]: unknown }) =>
        Object.entries(record)
          .map(([name, inner]) => `${name} ${inner instanceof Uint8Array ? registers(inner) : String(inner)}`)
          .join(' '),
      )
      .join('; ');
  if (!(value instanceof Uint8Array))
    return key.endsWith('Mask') ? `0x${Number(value).toString(16).padStart(4, '0')}` : String(value);
  if (request.kind === 'writeMultipleCoils') return bits(value, request.quantity);
  return key === 'values' ? registers(value) : Buffer.from(value).toString('hex') || 'none';
}

interface Judged {
  readonly meaning: FrameMeaning;
  readonly remarks: readonly string[];
}

function meaningOf(request: Request, unit: number, context: FrameContext): Judged {
  const section = context.section as ModbusSection | undefined;
  const kind = functionOf(request).kind;
  const found = deviceOf(unit, context, section);
  if (typeof found === 'string') {
    const remarks = context.index === undefined ? [] : [found];
    if (kind === 'refused')
      return {
        meaning: { kind: 'refused', why: `${functionOf(request).name} is not among the functions that are passed on` },
        remarks,
      };
    return { meaning: { kind }, remarks };
  }
  const { index, device } = found;
  const id = index.inventory.idOf(device.handle);
  const permits: SitePermits = (_device, functionCode, selector) =>
    section?.permit.find(
      (entry) => entry.device === id && entry.functionCode === functionCode && entry.subFunction === selector,
    )?.action;
  const what = classify(request, { index, devices: [device], broadcast: false }, permits);
  switch (what.kind) {
    case 'observation':
      return { meaning: { kind: 'read', reads: readsOf(request, index, device) }, remarks: [] };
    case 'unsupported':
      return { meaning: { kind: 'refused', why: what.detail }, remarks: [] };
    case 'change': {
      const scaled =
        what.needed.size > 0 ? ['values of scaled points are told once their scale registers have been read'] : [];
      return { meaning: { kind: 'change', change: what.change }, remarks: scaled };
    }
  }
}

/** By --device, else by the site's unit ids, else by the one device of the policy that answers to that unit. A text says why none. */
function deviceOf(
  unit: number,
  { index, device }: FrameContext,
  section: ModbusSection | undefined,
): { readonly index: ModbusIndex; readonly device: IndexedDevice } | string {
  if (!(index instanceof ModbusIndex)) return 'no policy';
  if (device !== undefined) {
    const own = index.device(device);
    return own === undefined ? 'the device has no Modbus address in this policy' : { index, device: own };
  }
  const id = section?.units.find((entry) => entry.unit === unit)?.device;
  const handle = id === undefined ? undefined : index.inventory.find(id);
  const routed = handle === undefined ? undefined : index.device(handle);
  if (routed !== undefined) return { index, device: routed };
  const all = index.devices.filter((entry) => entry.unit === unit);
  const [only] = all;
  if (section === undefined && only !== undefined && all.length === 1) return { index, device: only };
  return `unit ${unit} stands for no one device here: say which it is with --device`;
}

const TABLE_OF: { readonly [kind in ReadRequest['kind']]: (typeof tables)[number] } = {
  readCoils: 'coil',
  readDiscreteInputs: 'discrete',
  readHoldingRegisters: 'holding',
  readInputRegisters: 'input',
};

const read = (target: IndexedDevice['handle']): FrameRead => ({ target, asks: 'point.read' });

function readsOf(request: Request, index: ModbusIndex, device: IndexedDevice): readonly FrameRead[] {
  switch (request.kind) {
    case 'readCoils':
    case 'readDiscreteInputs':
    case 'readHoldingRegisters':
    case 'readInputRegisters':
      return spanReads(tables.indexOf(TABLE_OF[request.kind]), request.address, request.quantity, index, device);
    case 'readFifoQueue':
      return spanReads(tables.indexOf('holding'), request.address, 1, index, device);
    default:
      return [read(device.handle)];
  }
}

/** Each point of the span, and the device for whatever has none. */
function spanReads(
  table: number,
  address: number,
  quantity: number,
  index: ModbusIndex,
  device: IndexedDevice,
): readonly FrameRead[] {
  const span = index.span(device, table, address, quantity);
  const reads: FrameRead[] = [];
  let next = address;
  let unmapped = false;
  for (let entry = span.from; entry < span.to; entry += 1) {
    if (index.startOf(entry) > next) unmapped = true;
    next = Math.max(next, index.endOf(entry));
    reads.push(read(index.handleOf(entry)));
  }
  return unmapped || next < address + quantity ? [...reads, read(device.handle)] : reads;
}
