// The compiled inventory: every location, device and point under one integer, its handle. 1. Handles follow the tree:
// what lies below a handle is the interval up to `lasts[handle]`. 2. Everything is typed arrays, so it moves between threads whole.
// 3. Objects of devices and points are made when asked for; nothing of size stays behind them.

import { POINT_CLASSES } from '../model/action.ts';
import { driverName, type TargetHandle, type TargetId, targetHandle, targetId } from '../model/ids.ts';
import type { InventoryDevice, InventoryPoint, InventoryView, OpaqueAddress, PointLimits } from '../model/point.ts';
import type { FactColumns } from './facts.ts';
import { StringTable, type StringTableData } from './string-table.ts';

export const LOCATION = 0;
export const DEVICE = 1;
export const POINT = 2;

/** `traits` of a device. */
export const FINISHES = 1;
export const PERMITS_RAW = 2;
/** `traits` of a point. */
export const READS_FIRST = 1;
export const CAN_UNDO = 2;

type Numbers = Uint32Array<ArrayBuffer>;

/** The compiled form as it travels. Arrays without another word are indexed by handle; `texts` numbers are off by one: 0 is absent. */
export interface InventoryData {
  readonly organizations: readonly string[];
  /** Root handle of each organization. */
  readonly roots: Numbers;
  readonly ids: StringTableData;
  readonly names: StringTableData;
  /** Interned: units, vendors, models, limits and addresses (JSON). */
  readonly texts: StringTableData;
  readonly kinds: Uint8Array<ArrayBuffer>;
  readonly classes: Uint8Array<ArrayBuffer>;
  readonly traits: Uint8Array<ArrayBuffer>;
  /** The last handle of what lies below, itself included. */
  readonly lasts: Numbers;
  readonly owners: Numbers;
  /** Its place in its list in the bundle. */
  readonly places: Numbers;
  /** Number of its device (its own, for a device) + 1; 0 for a location. */
  readonly devices: Numbers;
  /** The nearest location of kind `site` + 1; 0 where there is none. */
  readonly sites: Numbers;
  readonly units: Numbers;
  readonly limits: Numbers;
  readonly addresses: Numbers;
  /** Handle of each device by number, in bundle order; handles of points in bundle order. */
  readonly deviceHandles: Numbers;
  readonly pointHandles: Numbers;
  /** By device number. */
  readonly vendors: Numbers;
  readonly models: Numbers;
  /** Point h involves `involved[involvedFrom[h] … involvedFrom[h + 1])`. */
  readonly involved: Numbers;
  readonly involvedFrom: Numbers;
  /** Device n carries tags `deviceTags[deviceTagsFrom[n] … deviceTagsFrom[n + 1])`, numbers in `tags`. */
  readonly tags: readonly string[];
  readonly deviceTags: Numbers;
  readonly deviceTagsFrom: Numbers;
  readonly pointFacts: FactColumns;
  readonly deviceFacts: FactColumns;
  readonly factTexts: StringTableData;
}

/** The inventory as drivers, the gate and the kernel read it. */
export class Inventory implements InventoryView {
  readonly data: InventoryData;
  readonly ids: StringTable;
  readonly factTexts: StringTable;
  readonly #names: StringTable;
  readonly #texts: StringTable;

  constructor(data: InventoryData) {
    this.data = data;
    this.ids = new StringTable(data.ids);
    this.factTexts = new StringTable(data.factTexts);
    this.#names = new StringTable(data.names);
    this.#texts = new StringTable(data.texts);
  }

  /** Handles are 0 … `handleCount - 1`. */
  get handleCount(): number {
    return this.data.kinds.length;
  }

  get deviceCount(): number {
    return this.data.deviceHandles.length;
  }

  get pointCount(): number {
    return this.data.pointHandles.length;
  }

  *devices(): IterableIterator<InventoryDevice> {
    for (const handle of this.data.deviceHandles) yield this.device(targetHandle(handle)) as InventoryDevice;
  }

  *points(): IterableIterator<InventoryPoint> {
    for (const handle of this.data.pointHandles) yield this.point(targetHandle(handle)) as InventoryPoint;
  }

  find(id: string): TargetHandle | undefined {
    const entry = this.ids.find(id);
    return entry === undefined ? undefined : targetHandle(entry);
  }

  idOf(handle: TargetHandle): TargetId {
    return targetId(this.ids.at(handle));
  }

  nameOf(handle: TargetHandle): string {
    return this.#names.at(handle);
  }

  device(handle: TargetHandle): InventoryDevice | undefined {
    const { data } = this;
    if (data.kinds[handle] !== DEVICE) return undefined;
    const number = (data.devices[handle] as number) - 1;
    const traits = data.traits[handle] as number;
    const vendor = this.#text(data.vendors[number]);
    const model = this.#text(data.models[number]);
    const address = this.#text(data.addresses[handle]);
    return {
      handle,
      id: this.idOf(handle),
      name: this.nameOf(handle),
      onRevoke: (traits & FINISHES) === 0 ? 'stop' : 'finish',
      rawFirmware: (traits & PERMITS_RAW) === 0 ? 'refuse' : 'permit',
      ...(vendor === undefined ? {} : { vendor }),
      ...(model === undefined ? {} : { model }),
      ...(address === undefined ? {} : { address: addressesOf(address) }),
    };
  }

  point(handle: TargetHandle): InventoryPoint | undefined {
    const { data } = this;
    const pointClass = POINT_CLASSES[data.classes[handle] as number];
    if (data.kinds[handle] !== POINT || pointClass === undefined) return undefined;
    const traits = data.traits[handle] as number;
    const unit = this.#text(data.units[handle]);
    const limits = this.#text(data.limits[handle]);
    const address = this.#text(data.addresses[handle]);
    return {
      handle,
      id: this.idOf(handle),
      name: this.nameOf(handle),
      device: targetHandle(data.deviceHandles[(data.devices[handle] as number) - 1] as number),
      class: pointClass,
      readBeforeWrite: (traits & READS_FIRST) !== 0,
      undo: (traits & CAN_UNDO) !== 0,
      ...(unit === undefined ? {} : { unit }),
      ...(limits === undefined ? {} : { limits: JSON.parse(limits) as PointLimits }),
      ...(address === undefined ? {} : { address: JSON.parse(address) as OpaqueAddress }),
    };
  }

  pathOf(handle: TargetHandle): string {
    const { kinds, owners, places } = this.data;
    const kind = kinds[handle];
    const list = kind === POINT ? 'points' : kind === DEVICE ? 'devices' : 'locations';
    return `organizations.${owners[handle] as number}.${list}.${places[handle] as number}`;
  }

  #text(number: number | undefined): string | undefined {
    return number === undefined || number === 0 ? undefined : this.#texts.at(number - 1);
  }
}

function addressesOf(json: string): { readonly [driver: string]: OpaqueAddress } {
  const byDriver = JSON.parse(json) as { readonly [driver: string]: OpaqueAddress };
  return Object.fromEntries(Object.entries(byDriver).map(([driver, address]) => [driverName(driver), address]));
}
