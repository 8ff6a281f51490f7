// Frame ─classify─► Observation, Change or Unsupported: the one place that says what a request means for the policy.
// 1. Whatever the function table does not list as a read or a change is unsupported, unless the site names it with the action it asks.
// 2. A broadcast is a change of every device it reaches, or it is unsupported. 3. Firmware goes to one device at a time.

import type { Change, Reader } from '../../src/contract/gate.ts';
import type { ActionName } from '../../src/model/action.ts';
import { isNonEmpty, type NonEmpty } from '../../src/model/result.ts';
import type { IndexedDevice, ModbusIndex } from './address.ts';
import { EffectList, type Exponents, holdingTable } from './effects.ts';
import { endsTransfer, isRestart } from './firmware-frame.ts';
import type { ModbusChange } from './modbus-change.ts';
import { type Table, tables } from './point-address.ts';
import { encodeRequest } from './wire/encode-request.ts';
import { type FunctionEntry, functionOf } from './wire/function-codes.ts';
import { packBits, packRegisters } from './wire/octets.ts';
import type { ReadRequest, Request } from './wire/request.ts';

/** The action a refused function asks where the site named it for a device; `undefined`: not named. */
export type SitePermits = (
  device: IndexedDevice,
  functionCode: number,
  selector: number | undefined,
) => ActionName | undefined;

/** Where a request is addressed to. */
export interface Addressee {
  readonly index: ModbusIndex;
  readonly devices: NonEmpty<IndexedDevice>;
  readonly broadcast: boolean;
}

export type Classification =
  | { readonly kind: 'observation' }
  | {
      readonly kind: 'change';
      readonly change: Change<ModbusChange>;
      /** Scale registers whose exponent is missing: read them, then classify again with them. */
      readonly needed: ReadonlySet<number>;
    }
  | { readonly kind: 'unsupported'; readonly detail: string };

const observation: Classification = { kind: 'observation' };

/** What is known of raw firmware at a device. */
interface RawFirmware {
  /** Whether the one who asks is sending it. */
  isUnderWay(device: IndexedDevice): boolean;
  /** Whether a restart may put some into use. */
  mayHold(device: IndexedDevice): boolean;
}

const NONE: RawFirmware = { isUnderWay: () => false, mayHold: () => false };

/**
 * What a request would do. `exponents` absent: values of scaled points are left out and `needed` says what to read.
 */
export function classify(
  request: Request,
  to: Addressee,
  permits: SitePermits,
  exponents?: Exponents,
  raw: RawFirmware = NONE,
): Classification {
  const entry = functionOf(request);
  if (entry.kind === 'read') return to.broadcast ? unsupported(entry, 'as a broadcast') : observation;
  if (entry.kind === 'refused') return refused(request, entry, to, permits);
  if (request.kind === 'readWriteMultipleRegisters' && to.broadcast) return unsupported(entry, 'as a broadcast');
  const restarts = isRestart(request);
  const activates = restarts && to.devices.some(raw.isUnderWay);
  const lists = to.devices.map((device) => {
    const list = new EffectList(to.index, device, to.broadcast ? new Map() : exponents);
    if (activates) list.device('firmware.update');
    else gather(request, list);
    // What somebody left there unverified would run from now on.
    if (restarts && !activates && raw.mayHold(device)) list.device('firmware.update');
    return list;
  });
  const effects = lists.flatMap((list) => list.effects);
  if (!isNonEmpty(effects)) return unsupported(entry, 'without a target');
  const [device] = to.devices;
  const firmware = effects.some(({ target, asks }) => asks === 'firmware.update' || isFirmware(to.index, target));
  if (firmware && to.broadcast) return unsupported(entry, 'to firmware, as a broadcast');
  const ends = activates || endsTransfer(request, device.firmware);
  const sameness = samenessOf(request, to);
  return {
    kind: 'change',
    needed: new Set(lists.flatMap((list) => [...list.needed])),
    change: {
      what: {
        line: device.line,
        devices: to.devices,
        broadcast: to.broadcast,
        requests: [request],
        points: effects.map(({ target }) => target),
      },
      operation: request.kind,
      effects,
      ...(sameness !== undefined && { sameness }),
      ...(firmware && { rawImage: true as const }),
      // A restart outside of a transfer is none, whatever it puts into use.
      ...(firmware && (activates || !restarts) && { transfer: { device: device.handle, ends } }),
    },
  };
}

function isFirmware(index: ModbusIndex, target: Change<unknown>['effects'][0]['target']): boolean {
  return index.inventory.point(target)?.class === 'firmware';
}

function unsupported(entry: FunctionEntry, why: string): Classification {
  const selector = entry.selector === undefined ? '' : `/${entry.selector}`;
  return {
    kind: 'unsupported',
    detail: `function \`${entry.functionCode}${selector}\` (${entry.name.toLowerCase()}) ${why}`,
  };
}

/**
 * What the table refuses, judged as the action the site names for it. Nobody here understands its octets: what is held to is that
 * they are one PDU of at most 253 octets to one device, answered by the same unit and function code; the record has them.
 */
function refused(request: Request, entry: FunctionEntry, to: Addressee, permits: SitePermits): Classification {
  const [device] = to.devices;
  const asks = to.broadcast ? undefined : permits(device, entry.functionCode, entry.selector);
  if (asks === undefined) return unsupported(entry, 'is not among the functions that are passed on');
  const encoded = encodeRequest(request);
  if (!encoded.ok) return unsupported(entry, `cannot be sent: ${encoded.fault.message}`);
  const selector = entry.selector === undefined ? '' : `/${entry.selector}`;
  const isImage = asks === 'firmware.update';
  return {
    kind: 'change',
    needed: new Set(),
    change: {
      what: {
        line: device.line,
        devices: to.devices,
        broadcast: false,
        requests: [request],
        points: [],
      },
      operation: `function${entry.functionCode}${selector} ${encoded.value.toString('hex')}`,
      effects: [{ target: device.handle, asks }],
      ...(isImage && { rawImage: true as const, transfer: { device: device.handle, ends: false } }),
    },
  };
}

function gather(request: Request, list: EffectList): void {
  switch (request.kind) {
    case 'writeSingleCoil':
      list.coils(request.address, 1, packBits([request.value]));
      return;
    case 'writeMultipleCoils':
      list.coils(request.address, request.quantity, request.values);
      return;
    case 'writeSingleRegister':
      list.registers(request.address, 1, packRegisters([request.value]));
      return;
    case 'writeMultipleRegisters':
      list.registers(request.address, request.quantity, request.values);
      return;
    case 'maskWriteRegister':
      list.mask(request.address, request.andMask, request.orMask);
      return;
    case 'readWriteMultipleRegisters':
      list.registers(request.writeAddress, request.writeQuantity, request.values);
      list.reads(request.readAddress, request.readQuantity);
      return;
    case 'writeFileRecord':
      list.device('firmware.update');
      return;
    default:
      // FC 8: every other function the table calls a change stands above.
      list.device('device.control');
  }
}

// The same octets to the same device put the same values into the same places.
function samenessOf(request: Request, to: Addressee): string | undefined {
  switch (request.kind) {
    case 'writeSingleCoil':
    case 'writeMultipleCoils':
    case 'writeSingleRegister':
    case 'writeMultipleRegisters':
    case 'maskWriteRegister': {
      const encoded = encodeRequest(request);
      const [device] = to.devices;
      const where = to.broadcast ? `line ${device.line}` : `device ${to.index.inventory.idOf(device.handle)}`;
      return encoded.ok ? `${where} ${encoded.value.toString('hex')}` : undefined;
    }
    default:
      return undefined;
  }
}

/** What a caller may read of a request; `denied` counts the points (and the device, for registers without a point). */
export interface ReadVerdict {
  readonly denied: number;
  /** Every point may be read; only registers without one may not. */
  readonly onlyUnmapped: boolean;
}

const permitted: ReadVerdict = { denied: 0, onlyUnmapped: false };
const deniedDevice: ReadVerdict = { denied: 1, onlyUnmapped: false };

const tableOfRead = {
  readCoils: 'coil',
  readDiscreteInputs: 'discrete',
  readHoldingRegisters: 'holding',
  readInputRegisters: 'input',
} as const satisfies Record<ReadRequest['kind'], Table>;

/** Judges an observation for one reader: each point of the span, and the device for whatever has no point. */
export function readVerdict(request: Request, index: ModbusIndex, device: IndexedDevice, reader: Reader): ReadVerdict {
  switch (request.kind) {
    case 'readCoils':
    case 'readDiscreteInputs':
    case 'readHoldingRegisters':
    case 'readInputRegisters':
      return spanVerdict(
        tables.indexOf(tableOfRead[request.kind]),
        request.address,
        request.quantity,
        index,
        device,
        reader,
      );
    case 'readFifoQueue':
      return spanVerdict(holdingTable, request.address, 1, index, device, reader);
    default:
      return reader.permits(device.handle) ? permitted : deniedDevice;
  }
}

function spanVerdict(
  table: number,
  address: number,
  quantity: number,
  index: ModbusIndex,
  device: IndexedDevice,
  reader: Reader,
): ReadVerdict {
  const span = index.span(device, table, address, quantity);
  let next = address;
  let unmapped = false;
  let denied = 0;
  for (let entry = span.from; entry < span.to; entry += 1) {
    if (index.startOf(entry) > next) unmapped = true;
    next = Math.max(next, index.endOf(entry));
    if (!reader.permits(index.handleOf(entry))) denied += 1;
  }
  if (next < address + quantity) unmapped = true;
  if (unmapped && !reader.permits(device.handle)) return { denied: denied + 1, onlyUnmapped: denied === 0 };
  return denied === 0 ? permitted : { denied, onlyUnmapped: false };
}
