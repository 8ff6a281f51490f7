// The Device object of a simulated device: who it is, what it can do, and what of it may be written.

import type { DeviceState } from './device-state.ts';
import { macOf } from './framing.ts';
import { CONFIRMED, OBJECT_TYPE, UNCONFIRMED } from './names.ts';
import { type Items, SimulatedObject } from './object.ts';
import { single } from './object-kinds.ts';
import { app, ctx, within } from './values.ts';

interface DeviceObjectOptions {
  readonly instance: number;
  readonly name: string;
  readonly model?: string;
  readonly firmware?: string;
  readonly maxApdu?: number;
  readonly segmentation?: 'both' | 'none';
  readonly apduTimeoutMs?: number;
  readonly segmentTimeoutMs?: number;
  readonly retries?: number;
}

/** Vendor identifier of the simulated devices; 999 is no registered maker's. */
const SIMULATED_VENDOR = 999;

const EXECUTED = 49;

export function deviceObject(
  options: DeviceObjectOptions,
  state: () => DeviceState,
  subscriptions: () => Items,
): SimulatedObject {
  const ref = { type: OBJECT_TYPE.device, instance: options.instance };
  const objects = (): readonly SimulatedObject[] => [...state().objects.values()];
  const types = Array.from({ length: 57 }, (_, type) => Object.values(OBJECT_TYPE).some((known) => known === type));
  const segmented = (options.segmentation ?? 'both') === 'both';
  const never = within(2, app.anyDate(), { kind: 'application', tag: 11, octets: Buffer.alloc(4, 0xff) });
  return new SimulatedObject(ref, options.name, [
    { id: 'object-identifier', items: [[app.object(ref)]], writable: true },
    single('object-name', app.text(options.name), true),
    single('system-status', app.enumerated(0)),
    single('vendor-name', app.text('Northwind Controls')),
    single('vendor-identifier', app.unsigned(SIMULATED_VENDOR)),
    single('model-name', app.text(options.model ?? 'Simulated')),
    single('firmware-revision', app.text(options.firmware ?? '1.0')),
    single('application-software-version', app.text('1.0')),
    single('location', app.text('plant room'), true),
    single('description', app.text(options.name), true),
    single('protocol-version', app.unsigned(1)),
    single('protocol-revision', app.unsigned(19)),
    single('protocol-services-supported', app.bits(servicesSupported())),
    single('protocol-object-types-supported', app.bits(types)),
    {
      id: 'object-list',
      shape: 'array',
      items: [],
      live: () => objects().map((object) => [app.object(object.ref)]),
    },
    single('max-apdu-length-accepted', app.unsigned(options.maxApdu ?? 1476)),
    single('segmentation-supported', app.enumerated(segmented ? 0 : 3)),
    ...(segmented ? [single('max-segments-accepted', app.unsigned(64))] : []),
    single('apdu-segment-timeout', app.unsigned(options.segmentTimeoutMs ?? 2000), true),
    single('apdu-timeout', app.unsigned(options.apduTimeoutMs ?? 3000), true),
    single('number-of-apdu-retries', app.unsigned(options.retries ?? 1), true),
    { id: 'local-date', items: [], live: () => [[app.date(state().now())]] },
    { id: 'local-time', items: [], live: () => [[app.time(state().now())]] },
    single('utc-offset', app.signed(0), true),
    {
      id: 'device-address-binding',
      shape: 'list',
      items: [],
      live: () =>
        [...state().bindings].map(([instance, peer]) => [
          app.object({ type: OBJECT_TYPE.device, instance }),
          app.unsigned(peer.route?.network ?? 0),
          app.octets(peer.route?.mac ?? macOf(peer.endpoint)),
        ]),
    },
    single('database-revision', app.unsigned(1)),
    {
      id: 'configuration-files',
      shape: 'array',
      items: [],
      live: () =>
        [...state().files]
          .filter(([, file]) => file.role === 'configuration')
          .map(([instance]) => [app.object({ type: OBJECT_TYPE.file, instance })]),
    },
    single('last-restore-time', never),
    single('backup-failure-timeout', app.unsigned(300), true),
    {
      id: 'backup-and-restore-state',
      items: [],
      live: () => [[app.enumerated(BACKUP_STATES[state().mode])]],
    },
    { id: 'active-cov-subscriptions', shape: 'list', items: [], live: subscriptions },
    { id: 'time-synchronization-recipients', shape: 'list', items: [], writable: true },
    { id: 'restart-notification-recipients', shape: 'list', items: [], writable: true },
    single('last-restart-reason', app.enumerated(0)),
    { id: 'time-of-device-restart', items: [[ctx.of(0, app.timeOfDay(0, 0))]] },
  ]);
}

const BACKUP_STATES = { operational: 0, backup: 3, restore: 4 } as const;

/** BACnetServicesSupported: bits 0 to 25 are confirmed services up to request-key, 26 on the unconfirmed ones, then what came later. */
function servicesSupported(): readonly boolean[] {
  const bits = Array.from({ length: EXECUTED }, () => false);
  const set = (bit: number): void => {
    bits[bit] = true;
  };
  const refused: readonly number[] = [CONFIRMED['confirmed-private-transfer'], CONFIRMED['confirmed-text-message']];
  for (const choice of Object.values(CONFIRMED)) if (choice <= 20 && !refused.includes(choice)) set(choice);
  const unheard: readonly number[] = [
    UNCONFIRMED['unconfirmed-private-transfer'],
    UNCONFIRMED['unconfirmed-text-message'],
  ];
  for (const choice of Object.values(UNCONFIRMED)) {
    if (choice <= UNCONFIRMED['who-is'] && !unheard.includes(choice)) set(26 + choice);
  }
  for (const bit of [35, 36, 37, 38, 39, 40]) set(bit);
  return bits;
}
