// plant ─► an inventory to review: who is on a network and what each device holds. It reads and never writes.
// 1. One request at a time to a device, a few devices at once: tools go on working. 2. Only devices whose instance has been
// verified. 3. Everything bounded, and what was left out is said.

import type { Timers } from '../../src/contract/clock.ts';
import type { DraftDevice, InventoryDraft, SurveyOrder } from '../../src/contract/inventory-draft.ts';
import { fail, ok, type Result } from '../../src/model/result.ts';
import { type DeviceFacts, draftDevice, isAnalog, isBinary, isMultiState, type ObjectFacts, slugOf } from './draft.ts';
import type { PlantDevice, PlantSide } from './seam.ts';
import { LostDevice, numberIn, SurveyReader, type Wanted } from './survey-reader.ts';
import { type AnyValue, elementsOf } from './wire/any-value.ts';
import { engineeringUnitName } from './wire/names/engineering-unit.ts';
import { OBJECT_TYPES as T } from './wire/names/object-type.ts';
import { PROPERTY_IDENTIFIERS as P } from './wire/names/property-identifier.ts';
import type { ObjectIdentifier } from './wire/primitive-content.ts';
import { primitiveOf, primitiveOfElement, textOf } from './wire/primitive-value.ts';

interface SurveyParts {
  readonly plant: PlantSide;
  readonly timers: Timers;
  /** What the policy in force calls a device. */
  idOf(network: string, instance: number): string | undefined;
}

/** How long devices may take to say that they are there, and to be verified. */
const answersMs = 3000;
const devicesAtOnce = 4;
const mostDevices = 1024;
const mostObjects = 5000;
/** Objects whose properties are asked for together. */
const objectsAtOnce = 8;

/** Fails with a sentence where the network has nobody. */
export async function survey(
  { network, instances }: SurveyOrder,
  parts: SurveyParts,
): Promise<Result<InventoryDraft, string>> {
  const { plant, timers } = parts;
  plant.unconfirmed(network, { service: 'who-is', parameters: whoIs(instances) });
  await new Promise<void>((resolve) => timers.after(answersMs, resolve));
  const found = [...plant.devices()]
    .filter((device) => device.network === network && device.instance !== undefined)
    .filter(({ instance }) => instances === undefined || instances.includes(instance ?? -1))
    .sort((one, other) => (one.instance ?? 0) - (other.instance ?? 0));
  if (found.length === 0) return fail(`no verified device answered on network \`${network}\``);
  const drafts = new Map<PlantDevice, DraftDevice>();
  const waiting = found.slice(0, mostDevices);
  const ids = new Set<string>();
  const worker = async (): Promise<void> => {
    for (let device = waiting.shift(); device !== undefined; device = waiting.shift())
      drafts.set(device, await surveyDevice(device, parts, ids));
  };
  await Promise.all(Array.from({ length: devicesAtOnce }, worker));
  return ok(found.flatMap((device) => drafts.get(device) ?? []));
}

function whoIs(instances: SurveyOrder['instances']) {
  if (instances === undefined || instances.length === 0) return {};
  return { deviceInstanceRangeLowLimit: Math.min(...instances), deviceInstanceRangeHighLimit: Math.max(...instances) };
}

async function surveyDevice(device: PlantDevice, parts: SurveyParts, ids: Set<string>): Promise<DraftDevice> {
  const instance = device.instance ?? 0;
  const reader = new SurveyReader(device, parts.plant);
  const remarks: string[] = [];
  const objects: ObjectFacts[] = [];
  let facts: DeviceFacts = { id: '', name: '', network: device.network, instance };
  try {
    facts = await deviceFacts(reader, facts, remarks);
    const listed = await reader.objects(instance, mostObjects);
    if (listed.count > listed.objects.length)
      remarks.push(`${listed.count} objects, ${listed.objects.length} of them read`);
    for (let at = 0; at < listed.objects.length; at += objectsAtOnce)
      objects.push(...(await objectFacts(reader, listed.objects.slice(at, at + objectsAtOnce))));
  } catch (fault) {
    if (!(fault instanceof LostDevice)) throw fault;
    remarks.push(`it stopped answering after ${objects.length} objects: survey it again`);
  }
  if (!reader.hasMultiple) remarks.push('it does not take ReadPropertyMultiple');
  const known = parts.idOf(device.network, instance);
  let id = known ?? (slugOf(facts.name).replaceAll('/', '-') || `device-${instance}`);
  if (ids.has(id)) id = `${id}-${instance}`;
  ids.add(id);
  return draftDevice({ ...facts, id, name: facts.name || `Device ${instance}` }, objects, remarks);
}

async function deviceFacts(reader: SurveyReader, facts: DeviceFacts, remarks: string[]): Promise<DeviceFacts> {
  const object = { type: T.device, instance: facts.instance };
  const wanted = (['object-name', 'vendor-name', 'model-name', 'firmware-revision', 'description'] as const).map(
    (name): Wanted => ({ object, property: P[name] }),
  );
  const values = await reader.read(wanted);
  const [name = '', vendor = '', model = '', firmware = '', description = ''] = wanted.map(
    (one) => textIn(values, one) ?? '',
  );
  if (firmware !== '') remarks.push(`firmware ${firmware}`);
  if (description !== '') remarks.push(description);
  return { ...facts, name, ...(vendor !== '' && { vendor }), ...(model !== '' && { model }) };
}

/** What each kind of object is asked. */
function propertiesOf({ type }: ObjectIdentifier): readonly number[] {
  const common = [P['object-name'], P.description];
  if (type === T.file) return [...common, P['file-type'], P['read-only']];
  if (type === T.schedule || type === T.calendar) return common;
  if (isAnalog(type))
    return [...common, P.units, P['min-pres-value'], P['max-pres-value'], P['high-limit'], P['low-limit'], ...slots];
  if (isBinary(type)) return [...common, P['inactive-text'], P['active-text'], ...slots];
  if (isMultiState(type)) return [...common, P['number-of-states'], P['state-text'], ...slots];
  return [...common, ...slots];
}

const slots = [P['priority-array']] as const;

async function objectFacts(
  reader: SurveyReader,
  objects: readonly ObjectIdentifier[],
): Promise<readonly ObjectFacts[]> {
  const wanted = objects.flatMap((object) => propertiesOf(object).map((property) => wantedOf(object, property)));
  const values = await reader.read(wanted);
  return objects.map((object) => {
    const at = (property: number): Wanted | undefined =>
      wanted.find((one) => one.object === object && one.property === property);
    const number = (property: number): number | undefined => {
      const one = at(property);
      return one === undefined ? undefined : numberIn(values.get(one));
    };
    const text = (property: number): string | undefined => textIn(values, at(property));
    const has = (property: number): boolean => {
      const one = at(property);
      return one !== undefined && values.has(one);
    };
    return factsOf(object, { number, text, has, texts: (property) => textsIn(values, at(property)) });
  });
}

/** Of a priority array the length is enough to know that it is there. */
function wantedOf(object: ObjectIdentifier, property: number): Wanted {
  return property === P['priority-array'] ? { object, property, index: 0 } : { object, property };
}

interface Found {
  number(property: number): number | undefined;
  text(property: number): string | undefined;
  texts(property: number): readonly string[] | undefined;
  has(property: number): boolean;
}

function factsOf({ type, instance }: ObjectIdentifier, found: Found): ObjectFacts {
  const { number, text, texts, has } = found;
  const unit = number(P.units);
  const [min, max] = [number(P['min-pres-value']), number(P['max-pres-value'])];
  const description = text(P.description);
  const states = isBinary(type)
    ? binaryTexts(text(P['inactive-text']), text(P['active-text']))
    : texts(P['state-text']);
  const stateCount = number(P['number-of-states']);
  const [highLimit, lowLimit] = [number(P['high-limit']), number(P['low-limit'])];
  const fileType = text(P['file-type']);
  const unitName = unit === undefined || unit === 95 ? undefined : (engineeringUnitName(unit) ?? `unit ${unit}`);
  return {
    type,
    instance,
    name: text(P['object-name']) ?? '',
    writable: has(P['priority-array']) ? 'commandable' : 'unknown',
    ...(description && { description }),
    ...(unitName && { unit: unitName }),
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
    ...(states && { states }),
    ...(stateCount !== undefined && { stateCount }),
    ...(highLimit !== undefined && { highLimit }),
    ...(lowLimit !== undefined && { lowLimit }),
    ...(fileType !== undefined && { fileType }),
  };
}

function binaryTexts(inactive: string | undefined, active: string | undefined): readonly string[] | undefined {
  return inactive === undefined || active === undefined ? undefined : [inactive, active];
}

type Values = ReadonlyMap<Wanted, AnyValue>;

function textIn(values: Values, wanted: Wanted | undefined): string | undefined {
  const value = wanted === undefined ? undefined : values.get(wanted);
  const primitive = value === undefined ? undefined : primitiveOf(value);
  return primitive?.type === 'character-string' ? textOf(primitive.value) : undefined;
}

function textsIn(values: Values, wanted: Wanted | undefined): readonly string[] | undefined {
  const value = wanted === undefined ? undefined : values.get(wanted);
  if (value === undefined) return undefined;
  return elementsOf(value).map((element) => {
    const primitive = primitiveOfElement(element);
    return (primitive?.type === 'character-string' ? textOf(primitive.value) : undefined) ?? '?';
  });
}
