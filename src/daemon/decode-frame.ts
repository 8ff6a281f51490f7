// A frame and a question: what it says, what it would do, and what the gate would say to somebody. The gate's own judgement,
// without a permit and without a record; the same for the running gateway and for a bundle file.

import type { DescribedFrame, FrameContext } from '../contract/described-frame.ts';
import type { DriverModule } from '../contract/driver.ts';
import type { Caller, Change, Effect, Gate, UndoGate } from '../contract/gate.ts';
import { createGate } from '../gate/gate.ts';
import { ACTION_OF_WRITING, type ActionName } from '../model/action.ts';
import { type DriverName, principalId } from '../model/ids.ts';
import { recordValue } from '../model/journal-row.ts';
import type { InventoryView } from '../model/point.ts';
import type { AddressIndexes, CompiledPolicy } from './compile-policy.ts';
import type { DecodedTarget, DecodeReply } from './control-api.ts';
import { createLog } from './log.ts';

/** Where frames are looked at. */
interface DecodeParts {
  readonly modules: readonly DriverModule[];
  /** Of the policy to ask; absent: frames alone. */
  readonly indexes?: AddressIndexes;
  readonly inventory?: InventoryView;
  readonly gate?: Pick<Gate, 'reader'> & Pick<UndoGate, 'preview'>;
  /** A driver's section of the configuration. */
  section(driver: DriverName): unknown;
  /** The device a frame is for, where a running driver knows. */
  addressee?(driver: DriverName, octets: Uint8Array): FrameContext['device'];
}

interface DecodeQuestion {
  readonly octets: Uint8Array;
  readonly protocol?: string;
  readonly principal?: string;
  readonly device?: string;
  readonly channel?: Caller['channel'];
}

/** A text says what of the question is wrong. */
export function decodeFrameFor(question: DecodeQuestion, parts: DecodeParts): DecodeReply | string {
  const { octets, protocol, principal } = question;
  const device = question.device === undefined ? undefined : parts.inventory?.find(question.device);
  if (question.device !== undefined && (device === undefined || !parts.inventory?.device(device)))
    return `got device \`${question.device}\`, expected a device of the policy`;
  const modules = parts.modules.filter(({ name }) => protocol === undefined || name === protocol);
  if (modules.length === 0)
    return `got protocol \`${protocol}\`, expected one of \`${parts.modules.map(({ name }) => name).join('`, `')}\``;
  for (const module of modules) {
    const index = parts.indexes?.get(module.name);
    const section = parts.section(module.name);
    const whom = device ?? parts.addressee?.(module.name, octets);
    const described = module.describeFrame(octets, {
      ...(index && { index }),
      ...(whom !== undefined && { device: whom }),
      ...(section !== undefined && { section }),
    });
    if (described !== undefined) return replyOf(described, module.name, principal, question.channel ?? 'tool', parts);
  }
  return `got ${octets.length} octets that are no frame of ${modules.map(({ name }) => name).join(' or ')}`;
}

function replyOf(
  { form, lines, meaning, remarks }: DescribedFrame,
  driver: DriverName,
  principal: string | undefined,
  channel: Caller['channel'],
  parts: DecodeParts,
): DecodeReply {
  const why = 'why' in meaning ? { why: meaning.why } : {};
  const frame = { form, lines, kind: meaning.kind, ...why, remarks };
  const { gate, inventory } = parts;
  if (inventory === undefined) return { ...frame, targets: [] };
  const caller = principal === undefined ? undefined : callerOf(principal, channel, driver);
  if (meaning.kind === 'change' && meaning.change) {
    const { change } = meaning;
    const targets = change.effects.map((effect) => changeTarget(effect, change, caller, gate, inventory));
    const denial = caller && gate?.preview(caller, change);
    const verdict = caller && gate ? { verdict: denial === undefined ? ('permit' as const) : ('deny' as const) } : {};
    return {
      ...frame,
      operation: change.operation,
      targets,
      ...verdict,
      ...(denial && { reason: denial.reason, text: denial.text }),
    };
  }
  if (meaning.kind === 'read' && meaning.reads) {
    const targets = meaning.reads.map(({ target, asks }): DecodedTarget => {
      const permits = caller && gate?.reader(caller, asks).permits(target);
      return { ...named(target, inventory), asks, ...(permits !== undefined && { permitted: permits }) };
    });
    const verdict = targets.every(({ permitted }) => permitted) ? ('permit' as const) : ('deny' as const);
    return { ...frame, targets, ...(caller && gate ? { verdict } : {}) };
  }
  const refused = meaning.kind === 'refused' || meaning.kind === 'malformed';
  return { ...frame, targets: [], ...(caller && refused ? { verdict: 'deny' as const, reason: 'unsupported' } : {}) };
}

function callerOf(principal: string, channel: Caller['channel'], driver: DriverName): Caller {
  return {
    principal: principal === 'anyone' ? null : principalId(principal),
    channel,
    proof: { kind: 'none' },
    from: 'decode',
    peer: 'decode',
    driver,
  };
}

function changeTarget(
  effect: Effect,
  change: Change<unknown>,
  caller: Caller | undefined,
  gate: DecodeParts['gate'],
  inventory: InventoryView,
): DecodedTarget {
  const { target, value, priority } = effect;
  const denial = caller && gate?.preview(caller, { ...change, effects: [effect] });
  const verdict = caller === undefined || gate === undefined ? {} : { permitted: denial === undefined };
  return {
    ...named(target, inventory),
    asks: actionOf(effect, inventory),
    ...(value !== undefined && { value: recordValue(value) }),
    ...(priority !== undefined && { priority }),
    ...verdict,
    ...(denial && { reason: denial.reason, text: denial.text }),
  };
}

function actionOf({ target, asks }: Effect, inventory: InventoryView): ActionName {
  if (asks !== 'write') return asks;
  const point = inventory.point(target);
  return point === undefined ? 'engineering.modify' : ACTION_OF_WRITING[point.class];
}

function named(target: Effect['target'], inventory: InventoryView): Pick<DecodedTarget, 'target' | 'name'> {
  if (target < 0) return { target: '(nothing of the policy)', name: '' };
  return { target: inventory.idOf(target), name: inventory.nameOf(target) };
}

/** A gate over a bundle that nobody has pushed: it previews and remembers nothing. */
export function previewGate({ snapshot }: CompiledPolicy): Pick<Gate, 'reader'> & Pick<UndoGate, 'preview'> {
  const clock = { now: () => Date.now(), monotonic: () => performance.now(), sure: () => true };
  const gate = createGate({
    journal: {
      append: () => Promise.reject(new Error('a preview records nothing')),
      note: () => undefined,
      state: () => ({ writable: true }),
      onState: () => () => undefined,
      close: () => Promise.resolve(),
    },
    log: createLog({ level: 'error', format: 'text' }),
    clock,
    timers: { after: () => ({ cancel: () => undefined }) },
    links: { lookup: () => undefined },
    site: { applicationAddresses: [], sharedNetworks: [], neverGated: { peers: [], targets: [] } },
    newId: (kind) => kind,
  });
  gate.activate(snapshot);
  return gate;
}
