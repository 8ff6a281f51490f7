// Clause 16 as a device obeys it: communication off and on, restarts, backup and restore, activation, the clock, life safety.

import type { Communication, DeviceState, Service } from './device-state.ts';
import { RejectFault, ServiceFault } from './faults.ts';
import { OBJECT_TYPE } from './names.ts';
import type { Parameters } from './parameters.ts';
import { app, decoded, TAG } from './values.ts';

function checkPassword(state: DeviceState, given: string | undefined): void {
  if (state.password !== undefined && given !== state.password) throw new ServiceFault('password-failure');
}

const COMMUNICATION: readonly Communication[] = ['enabled', 'disabled', 'no-initiation'];

export const deviceCommunicationControl: Service = (state, parameters) => {
  const minutes = parameters.unsigned(0);
  const wanted = COMMUNICATION[parameters.needUnsigned(1)];
  const password = parameters.text(2);
  parameters.end();
  if (wanted === undefined) throw new RejectFault('undefined-enumeration');
  checkPassword(state, password);
  state.afterAnswer(() => state.setCommunication(wanted, minutes));
  return undefined;
};

const WARM_RESTART = 2;
const COLD_RESTART = 1;

/** Restarts, then says so. `restarted` is what a device without a boot loader does to come up again. */
export function reinitializeDevice(restarted: () => void): Service {
  return (state, parameters) => {
    const wanted = parameters.needUnsigned(0);
    const password = parameters.text(1);
    parameters.end();
    if (wanted > 7) throw new RejectFault('undefined-enumeration');
    checkPassword(state, password);
    const restart = (reason: number): void => {
      state.afterAnswer(() => {
        state.restarts += 1;
        state.device.set('last-restart-reason', [app.enumerated(reason)]);
        if (state.loader === undefined) restarted();
        else state.loader.restart();
      });
    };
    const leave = (from: readonly string[]): void => {
      if (!from.includes(state.mode)) throw new ServiceFault('service-request-denied');
      state.mode = 'operational';
    };
    switch (wanted) {
      case 0:
        restart(COLD_RESTART);
        break;
      case 1:
        restart(WARM_RESTART);
        break;
      case 2:
      case 4:
        if (state.mode !== 'operational') throw new ServiceFault('configuration-in-progress');
        state.mode = wanted === 2 ? 'backup' : 'restore';
        break;
      case 3:
        leave(['backup']);
        break;
      case 5:
        leave(['restore']);
        state.device.set('last-restore-time', [app.date(state.now()), app.time(state.now())]);
        restart(WARM_RESTART);
        break;
      case 6:
        leave(['restore', 'operational']);
        break;
      default:
        state.loader?.activate();
    }
    return undefined;
  };
}

/** TimeSynchronization and its UTC form; the simulation's time is UTC. */
export function synchronizeTime(state: DeviceState, parameters: Parameters): void {
  const date = parameters.application(TAG.date).octets;
  const time = parameters.application(TAG.time).octets;
  parameters.end();
  const wanted = decoded.instant(date, time);
  if (wanted !== undefined) state.clockShiftMs += wanted.getTime() - state.now().getTime();
}

const LIFE_SAFETY_TYPES: readonly number[] = [OBJECT_TYPE['life-safety-point'], OBJECT_TYPE['life-safety-zone']];
const SILENCED = new Map([
  [1, 3],
  [2, 1],
  [3, 2],
  [7, 0],
  [8, 0],
  [9, 0],
]);
const RESETS: readonly number[] = [4, 5, 6];

/** Without an object: every life-safety object the device has. */
export const lifeSafetyOperation: Service = (state, parameters) => {
  parameters.needUnsigned(0);
  const source = parameters.text(1);
  const operation = parameters.needUnsigned(2);
  const ref = parameters.object(3);
  parameters.end();
  if (source === undefined) throw new RejectFault('missing-required-parameter');
  const all = [...state.objects.values()].filter((object) => LIFE_SAFETY_TYPES.includes(object.ref.type));
  const chosen = ref === undefined ? all : [state.find(ref)];
  if (!chosen.every((object) => all.includes(object))) throw new ServiceFault('optional-functionality-not-supported');
  for (const object of chosen) {
    const silenced = SILENCED.get(operation);
    if (silenced !== undefined) object.set('silenced', [app.enumerated(silenced)]);
    if (!RESETS.includes(operation)) continue;
    object.set('present-value', [app.enumerated(0)]);
    object.set('tracking-value', [app.enumerated(0)]);
    object.set('silenced', [app.enumerated(0)]);
    object.set('operation-expected', [app.enumerated(0)]);
  }
  return undefined;
};
