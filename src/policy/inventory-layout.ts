// Organizations → the typed arrays of an inventory. Input has passed the checks; order in the tree is: a location, its
// devices each followed by its points, then the locations below it.

import { POINT_CLASSES } from '../model/action.ts';
import { FactGatherer } from './facts.ts';
import { CAN_UNDO, DEVICE, FINISHES, type InventoryData, PERMITS_RAW, POINT, READS_FIRST } from './inventory.ts';
import type { DeviceDocument, InventoryOrganization, LocationDocument, PointDocument } from './schema.ts';
import { Interner, packStrings } from './string-table.ts';

interface Placed<T> {
  readonly item: T;
  readonly place: number;
}

/** One organization's things under what they stand in. */
interface Tree {
  readonly organization: number;
  readonly locations: ReadonlyMap<string, readonly Placed<LocationDocument>[]>;
  readonly devices: ReadonlyMap<string, readonly Placed<DeviceDocument>[]>;
  readonly points: ReadonlyMap<string, readonly Placed<PointDocument>[]>;
}

export function layOut(organizations: readonly InventoryOrganization[]): InventoryData {
  const layout = new Layout(organizations);
  for (const [index, organization] of organizations.entries()) layout.addOrganization(index, organization);
  return layout.finish();
}

class Layout {
  readonly #organizations: readonly InventoryOrganization[];
  readonly #ids: string[] = [];
  readonly #names: string[] = [];
  readonly #texts = new Interner();
  readonly #factTexts = new Interner();
  readonly #tags = new Interner();
  readonly #pointFacts = new FactGatherer(this.#factTexts);
  readonly #deviceFacts = new FactGatherer(this.#factTexts);
  readonly #points: { readonly handle: number; readonly involves: readonly string[] }[] = [];
  readonly #roots: number[] = [];
  readonly #byHandle;
  readonly #byDevice;
  readonly #deviceStarts: readonly number[];
  readonly #pointStarts: readonly number[];
  readonly #pointHandles: Uint32Array<ArrayBuffer>;

  constructor(organizations: readonly InventoryOrganization[]) {
    this.#organizations = organizations;
    let devices = 0;
    let points = 0;
    let locations = 0;
    const deviceStarts: number[] = [];
    const pointStarts: number[] = [];
    for (const organization of organizations) {
      deviceStarts.push(devices);
      pointStarts.push(points);
      devices += organization.devices.length;
      points += organization.points.length;
      locations += organization.locations.length;
    }
    this.#deviceStarts = deviceStarts;
    this.#pointStarts = pointStarts;
    const count = devices + points + locations;
    const numbers = () => new Uint32Array(count);
    this.#byHandle = {
      kinds: new Uint8Array(count),
      classes: new Uint8Array(count),
      traits: new Uint8Array(count),
      lasts: numbers(),
      owners: numbers(),
      places: numbers(),
      devices: numbers(),
      sites: numbers(),
      units: numbers(),
      limits: numbers(),
      addresses: numbers(),
    };
    this.#pointHandles = new Uint32Array(points);
    const deviceNumbers = () => new Uint32Array(devices);
    this.#byDevice = {
      handles: deviceNumbers(),
      vendors: deviceNumbers(),
      models: deviceNumbers(),
      tags: Array.from({ length: devices }, (): readonly number[] => []),
      facts: Array.from({ length: devices }, (): DeviceDocument['facts'] => ({})),
    };
  }

  addOrganization(index: number, { locations, devices, points }: InventoryOrganization): void {
    const tree: Tree = {
      organization: index,
      locations: placedBy(locations, ({ parent }) => parent ?? ''),
      devices: placedBy(devices, ({ location }) => location),
      points: placedBy(points, ({ device }) => device),
    };
    this.#roots.push(this.#ids.length);
    // Depth first without recursion: a location is closed when everything opened after it is.
    const open: (
      | { readonly close: number }
      | { readonly location: Placed<LocationDocument>; readonly site: number }
    )[] = [];
    for (const location of tree.locations.get('') as Placed<LocationDocument>[]) open.push({ location, site: 0 });
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if ('close' in next) {
        this.#byHandle.lasts[next.close] = this.#ids.length - 1;
        continue;
      }
      const { item, place } = next.location;
      const handle = this.#enter(item.id, item.name, index, place);
      const site = item.kind === 'site' ? handle + 1 : next.site;
      this.#byHandle.sites[handle] = site;
      for (const device of tree.devices.get(item.id) ?? []) this.#addDevice(tree, device, site);
      open.push({ close: handle });
      for (const location of [...(tree.locations.get(item.id) ?? [])].reverse()) open.push({ location, site });
    }
  }

  finish(): InventoryData {
    const { handles, vendors, models, tags, facts } = this.#byDevice;
    for (const [number, of] of facts.entries()) this.#deviceFacts.add(number, of);
    const ids = packStrings(this.#ids, true);
    const handleOf = new Map(this.#ids.map((id, handle) => [id, handle]));
    const involvedFrom = new Uint32Array(this.#ids.length + 1);
    for (const { handle, involves } of this.#points) involvedFrom[handle + 1] = involves.length;
    for (let i = 1; i < involvedFrom.length; i += 1)
      involvedFrom[i] = (involvedFrom[i] as number) + (involvedFrom[i - 1] as number);
    const deviceTagsFrom = new Uint32Array(tags.length + 1);
    for (const [number, of] of tags.entries())
      deviceTagsFrom[number + 1] = (deviceTagsFrom[number] as number) + of.length;
    return {
      organizations: this.#organizations.map(({ id }) => id),
      roots: Uint32Array.from(this.#roots),
      ids,
      names: packStrings(this.#names, false),
      texts: packStrings(this.#texts.texts, false),
      ...this.#byHandle,
      deviceHandles: handles,
      pointHandles: this.#pointHandles,
      vendors,
      models,
      involved: Uint32Array.from(
        this.#points.flatMap(({ involves }) => involves.map((id) => handleOf.get(id) as number)),
      ),
      involvedFrom,
      tags: this.#tags.texts,
      deviceTags: Uint32Array.from(tags.flat()),
      deviceTagsFrom,
      pointFacts: this.#pointFacts.columns(),
      deviceFacts: this.#deviceFacts.columns(),
      factTexts: packStrings(this.#factTexts.texts, false),
    };
  }

  #enter(id: string, name: string, organization: number, place: number): number {
    const handle = this.#ids.length;
    this.#ids.push(id);
    this.#names.push(name);
    this.#byHandle.owners[handle] = organization;
    this.#byHandle.places[handle] = place;
    return handle;
  }

  #addDevice(tree: Tree, { item, place }: Placed<DeviceDocument>, site: number): void {
    const { kinds, traits, lasts, devices, sites, addresses } = this.#byHandle;
    const handle = this.#enter(item.id, item.name, tree.organization, place);
    const number = (this.#deviceStarts[tree.organization] as number) + place;
    kinds[handle] = DEVICE;
    traits[handle] = (item.onRevoke === 'finish' ? FINISHES : 0) | (item.firmware?.raw === 'permit' ? PERMITS_RAW : 0);
    devices[handle] = number + 1;
    sites[handle] = site;
    addresses[handle] = this.#json(item.address);
    this.#byDevice.handles[number] = handle;
    this.#byDevice.vendors[number] = this.#text(item.vendor);
    this.#byDevice.models[number] = this.#text(item.model);
    this.#byDevice.tags[number] = item.tags.map((tag) => this.#tags.number(tag));
    this.#byDevice.facts[number] = item.facts;
    for (const point of tree.points.get(item.id) ?? []) this.#addPoint(tree, point, number, site);
    lasts[handle] = this.#ids.length - 1;
  }

  #addPoint(tree: Tree, { item, place }: Placed<PointDocument>, device: number, site: number): void {
    const { kinds, classes, traits, lasts, devices, sites, units, limits, addresses } = this.#byHandle;
    const handle = this.#enter(item.id, item.name, tree.organization, place);
    kinds[handle] = POINT;
    classes[handle] = POINT_CLASSES.indexOf(item.class);
    const undo = item.undo ?? item.class !== 'command';
    traits[handle] = (item.readBeforeWrite ? READS_FIRST : 0) | (undo ? CAN_UNDO : 0);
    lasts[handle] = handle;
    devices[handle] = device + 1;
    sites[handle] = site;
    units[handle] = this.#text(item.unit);
    limits[handle] = this.#json(item.limits);
    addresses[handle] = this.#json(item.address);
    this.#pointHandles[(this.#pointStarts[tree.organization] as number) + place] = handle;
    this.#pointFacts.add(handle, item.facts);
    this.#points.push({ handle, involves: item.involves });
  }

  #text(text: string | undefined): number {
    return text === undefined ? 0 : this.#texts.number(text) + 1;
  }

  #json(value: unknown): number {
    return value === undefined ? 0 : this.#texts.number(JSON.stringify(value)) + 1;
  }
}

function placedBy<T>(items: readonly T[], key: (item: T) => string): Map<string, Placed<T>[]> {
  const groups = new Map<string, Placed<T>[]>();
  for (const [place, item] of items.entries()) {
    const known = groups.get(key(item));
    if (known === undefined) groups.set(key(item), [{ item, place }]);
    else known.push({ item, place });
  }
  return groups;
}
