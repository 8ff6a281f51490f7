// Policy in ─compile─► how a device takes firmware: `firmware` in its BACnet address. Strict: what is not known is a fault.
//
//   firmware:
//     file: 1                       instance of the File object that takes the image, by stream access
//     activate: activate-changes    how the image is put into use: activate-changes (default), warm-restart or cold-restart
//     password: …                   for ReinitializeDevice, 1 to 20 characters; absent: none is sent
//     version: firmware-revision    which property of the Device object says what runs (default); or application-software-version
//     confirmSeconds: 120           how long it may take until the new version runs
//     stallSeconds: 60              how long it may answer nothing, or that it is busy, before a transfer is given up
//     chunk: 1024                   octets of one write; absent: as many as one Ethernet frame takes to the device
//     staging: true                 the file stands beside what runs: emptying it (the step `revert`) drops what is staged

import { type DocumentFault, describeFound } from '../../src/model/fault.ts';
import { fail, ok, type Result } from '../../src/model/result.ts';

/** ReinitializeDevice (16.4): the states that put an image into use. */
export const ACTIVATIONS = { 'cold-restart': 0, 'warm-restart': 1, 'activate-changes': 7 } as const;
type Activation = keyof typeof ACTIVATIONS;

const VERSIONS = ['firmware-revision', 'application-software-version'] as const;

export interface FirmwarePlace {
  /** Instance of the File object. */
  readonly file: number;
  readonly activate: Activation;
  readonly password?: string;
  readonly version: (typeof VERSIONS)[number];
  readonly confirmMs: number;
  readonly stallMs: number;
  /** Octets of one write; absent: what fits. */
  readonly chunk?: number;
  readonly staging: boolean;
}

const KEYS = ['file', 'activate', 'password', 'version', 'confirmSeconds', 'stallSeconds', 'chunk', 'staging'] as const;
const MAX_FILE = 4_194_302;
const LONGEST_PASSWORD = 20;

export function parseFirmware(given: unknown, path: string): Result<FirmwarePlace, readonly DocumentFault[]> {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    return fail([{ path, found: describeFound(given), expected: 'how the device takes firmware: `{ file: 1 }`' }]);
  const firmware: { readonly [key: string]: unknown } = { ...given };
  const faults: DocumentFault[] = [];
  for (const key of Object.keys(firmware)) {
    if (KEYS.some((known) => known === key)) continue;
    const expected = `one of ${KEYS.map((one) => `\`${one}\``).join(', ')}`;
    faults.push({ path: `${path}.${key}`, found: `unknown key \`${key}\``, expected });
  }
  const miss = (key: string, expected: string): undefined => {
    // A password is nobody's to read, not even where it is wrong.
    const found = key === 'password' ? 'another value' : describeFound(firmware[key]);
    faults.push({ path: `${path}.${key}`, found, expected });
  };
  function whole(key: string, least: number, most: number, otherwise: number): number;
  function whole(key: string, least: number, most: number): number | undefined;
  function whole(key: string, least: number, most: number, otherwise?: number): number | undefined {
    const value = firmware[key];
    if (value === undefined) return otherwise;
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
    return miss(key, `a whole number from ${least} to ${most}`);
  }
  function among<T extends string>(key: string, known: readonly T[], otherwise: T): T {
    const value = firmware[key];
    if (value === undefined) return otherwise;
    const found = known.find((one) => one === value);
    if (found === undefined) miss(key, `one of ${known.map((one) => `\`${one}\``).join(', ')}`);
    return found ?? otherwise;
  }
  const file = whole('file', 0, MAX_FILE);
  if (firmware.file === undefined) miss('file', 'the instance of a File object');
  const activate = among<Activation>(
    'activate',
    ['activate-changes', 'warm-restart', 'cold-restart'],
    'activate-changes',
  );
  const version = among('version', VERSIONS, 'firmware-revision');
  const confirmSeconds = whole('confirmSeconds', 1, 3600, 120);
  const stallSeconds = whole('stallSeconds', 1, 600, 60);
  const chunk = whole('chunk', 16, 32_768);
  const { password, staging = false } = firmware;
  const isPassword = typeof password === 'string' && password !== '' && [...password].length <= LONGEST_PASSWORD;
  if (password !== undefined && !isPassword) miss('password', `a text of 1 to ${LONGEST_PASSWORD} characters`);
  if (typeof staging !== 'boolean') miss('staging', '`true` or `false`');
  if (faults.length > 0 || file === undefined) return fail(faults);
  return ok({
    file,
    activate,
    version,
    confirmMs: confirmSeconds * 1000,
    stallMs: stallSeconds * 1000,
    staging: staging === true,
    ...(chunk !== undefined && { chunk }),
    ...(typeof password === 'string' && { password }),
  });
}
