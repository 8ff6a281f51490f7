// Why something of a job, a batch or an override is as it is: every sentence once, under a code, with what it names in braces.
// Invariants: 1. what is kept and recorded is the sentence, and it is read back to its code, so that a page says it in the
// reader's language; 2. a sentence that is none of these (a device's own answer, a person's words) stays as it is.

export const REASONS = {
  // What is not there.
  'no-point': 'no point of the policy in force',
  'no-device': 'no device of the policy in force',
  'not-a-device': '`{id}` is no device of the policy in force',
  'not-in-policy': 'the policy in force holds no `{id}`',
  'no-address': 'the device has no address that a driver here knows',
  'no-driver': 'no driver reaches the device',
  'no-limit': 'it has no alarm limit `{key}`',
  'no-match': 'no point of it matches one of `{source}`',
  'point-not-shown': '`{point}` was not there when the job began',
  'point-gone': 'a point that was shown when the job began is not there',
  'inventory-changed': 'the inventory changed',
  'moved-away': 'the policy has it at another address now',
  // What cannot be.
  'same-slot': 'the same slot stands in another row',
  'not-planned': 'it cannot be planned',
  'got-expected': 'got {found}, expected {expected}',
  'other-class': 'got class `{got}`, expected `{wanted}` as in the source',
  'other-unit': 'got unit `{got}`, expected `{wanted}` as in the source',
  'other-unit-than': 'got unit `{got}`, expected `{wanted}` as `{point}` has',
  'other-unit-elsewhere': 'got unit `{got}`, expected the one that another device of the order has',
  'source-not-read': '`{point}` could not be read: {why}',
  'source-empty': '`{point}` holds no value',
  'of-point': '`{point}`: {why}',
  'of-unseen-point': 'a point of it that may not be read does not fit',
  'names-unseen': 'the reason names something that may not be seen',
  'release-has-no-end': 'a release holds nothing that could end',
  'cannot-end': 'it cannot end by itself: {why}',
  'may-not-undo': 'the inventory does not permit that a `{class}` is put back by itself',
  'old-unknown': 'the value before is not known',
  'device-taken': 'got `{device}` in job `{job}`, expected a device that no other job has',
  'too-many-own': 'got {n} jobs of your own that have not ended, expected at most {most}',
  'too-many-jobs': 'got {n} jobs that have not ended, expected at most {most}',
  // What became of a slot.
  'not-read': 'it was not read',
  'holds-other': 'it no longer holds what was written',
  'written-since': 'change `{decision}` wrote it since',
  'acknowledged-other': 'the device acknowledged it and holds another value',
  'record-gone': 'the record no longer holds the change',
  'by-change': 'by change `{decision}`',
  'by-override': 'by override `{id}`',
  // What became of a device.
  aborted: 'aborted',
  paused: 'paused',
  'right-withdrawn': 'the right was withdrawn',
  'too-long': 'it took too long',
  'nobody-approved': 'nobody approved in time',
  'turn-late': 'its turn did not come in time',
  'window-over': 'the window is over',
  'refused-by': '{who} refused: {comment}',
  restarted: 'the gateway was restarted',
  interrupted: 'a restart of the gateway interrupted it',
  'gateway-stops': 'the gateway stops',
  'first-ended': 'the first device ended {state}',
  'so-many-failed': '{failed} of {all} devices failed',
  'other-failed-check': '`{device}` failed the check',
  'batch-stopped': 'the batch was stopped before it',
  'batch-failed': 'another device of the batch failed before it',
  'not-asked-in-time': 'the devices could not be asked in time',
  'holds-these': 'it holds these values already',
  'holds-new': 'it holds the new values',
  'holds-some': 'it holds some of the new values',
  unread: 'it could not be read',
  'waits-to-put-back': 'what a restart interrupted waits to be put back',
  'never-said': 'a device never said what became of it; what was written is put back when it does, or after a restart',
  'not-written': 'it was not written',
  'row-state': '`{point}` {state}',
  'row-state-why': '`{point}` {state}: {why}',
  'value-moved': '`{point}` would now be given `{now}`, and `{before}` was shown when the job began',
  'no-writing': 'it is no job that writes',
  // Firmware.
  'no-firmware-driver': 'its driver updates no firmware',
  'no-firmware-way': 'its address describes no way for firmware',
  'no-image-named': 'the order names no image',
  'image-unknown': 'the image is not known',
  'image-not-sent': 'the image cannot be sent: {why}',
  'not-asked': 'it could not be asked',
  busy: 'it is busy',
  activates: 'it activates or restarts',
  'device-refused': 'the device refused the image: {why}',
  'no-further': 'it did not get further: {why}',
  withdrawn: 'withdrawn: {reason}',
  'not-read-back': 'it could not be read back',
  'not-activated': 'not activated: {why}',
  'rolled-back': 'rolled back',
  'not-taken-back': 'not taken back: {why}',
  'cannot-take-back': 'what was sent to it cannot be taken back',
  'it-runs': 'it runs',
  'it-runs-version': 'it runs `{version}`',
  'holds-part': 'it holds a part of an image',
  'holds-part-with': 'it holds a part of an image with `{version}`',
  'holds-staged': 'it holds an image that is not active',
  'holds-staged-with': 'it holds an image that is not active with `{version}`',
  'boot-loader': 'only its boot loader runs',
  'vendor-unsaid': 'neither the device nor the inventory says its vendor',
  'model-unsaid': 'neither the device nor the inventory says its model',
  'other-vendor': 'got vendor `{got}`, expected `{wanted}` as the image says',
  'other-model': 'got model `{got}`, expected `{wanted}` as the image says',
  'version-unsaid': 'the device does not say which version it runs',
  'too-old': 'got version `{got}`, expected `{least}` or newer',
  'too-new': 'got version `{got}`, expected one older than `{wanted}`, or an image that permits to go back',
  'rescue-unknown':
    'only its boot loader runs, and what it ran before is not known: whether the image is older cannot be said',
  'rescue-unknown-least': 'only its boot loader runs, and what it ran before is not known; expected `{least}` or newer',
  'rescue-too-old': 'got a boot loader, and before it version `{got}`, expected `{least}` or newer',
  'rescue-too-new':
    'got a boot loader, and before it version `{got}`, expected one older than `{wanted}`, or an image that permits to go back',
  'version-not-kept': 'which version it runs cannot be kept: {why}',
  // What cannot be done about a job.
  'has-ended': 'it ended {state}',
  'is-paused': 'it is paused already: {why}',
  stops: 'it stops: {why}',
  'not-paused': 'it is not paused',
  'being-aborted': 'it is being aborted already',
  'waits-for-nobody': 'it waits for nobody',
  'no-application': 'an application cannot approve',
  'nobody-known': 'nobody is known by that name',
  'own-approval': 'who started it cannot approve it',
  answered: 'it has your answer already',
  'none-left': 'none of its devices is left',
  'under-way': 'it is under way',
  'neither-ended-nor-paused': 'it has not ended, nor is it paused',
  'nothing-again': 'there is nothing to do again',
  /** One after the other. */
  both: '{first}; {second}',
} as const;

export type ReasonCode = keyof typeof REASONS;

type Holes<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | Holes<Rest> : never;
type Data<Code extends ReasonCode> = { readonly [Name in Holes<(typeof REASONS)[Code]>]: string | number };

/** The sentence, filled. */
export function reason<Code extends ReasonCode>(
  code: Code,
  ...[data]: Holes<(typeof REASONS)[Code]> extends never ? [] : [Data<Code>]
): string {
  const given: { readonly [name: string]: string | number } = data ?? {};
  return REASONS[code].replace(/\{(\w+)\}/g, (whole, name: string) => String(given[name] ?? whole));
}

export interface Reason {
  readonly code: ReasonCode;
  /** Of each brace; a sentence that is a reason itself is read, too. */
  readonly data: { readonly [name: string]: string | Reason };
}

/** Holes in which a reason may stand. */
const NESTED: readonly string[] = ['why', 'first', 'second'];

interface Shape {
  readonly code: ReasonCode;
  readonly pattern: RegExp;
  readonly names: readonly string[];
}

/** Those with the most words of their own first: of two that fit, the one that says more. */
const SHAPES: readonly Shape[] = (Object.entries(REASONS) as [ReasonCode, string][])
  .sort(([, a], [, b]) => wordsOf(b) - wordsOf(a))
  .map(([code, text]) => ({
    code,
    names: [...text.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name),
    pattern: new RegExp(
      `^${text
        .split(/\{\w+\}/)
        .map(escaped)
        .join('(.+?)')}$`,
      's',
    ),
  }));

function wordsOf(text: string): number {
  return text.replace(/\{\w+\}/g, '').length;
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** The reason that a sentence is; `undefined`: it is none of these. */
export function reasonOf(text: string): Reason | undefined {
  for (const { code, pattern, names } of SHAPES) {
    const found = pattern.exec(text);
    if (found === null) continue;
    const data = Object.fromEntries(
      names.map((name, at): [string, string | Reason] => {
        const part = found[at + 1] ?? '';
        return [name, (NESTED.includes(name) ? reasonOf(part) : undefined) ?? part];
      }),
    );
    // Two sentences neither of which is known are somebody's own words.
    if (code === 'both' && Object.values(data).every((part) => typeof part === 'string')) continue;
    return { code, data };
  }
  return undefined;
}
