// The states of a device in a job, in the order in which the page draws them; test/web/machine.test.ts holds them to the engine's
// own table, which is another room's.

import type { ApiJob, ApiJobDevice } from '../http/schema-jobs.ts';

export type DeviceState = ApiJobDevice['state'];
type States = readonly DeviceState[];

const WRITING: States = ['queued', 'checking', 'applying', 'verifying', 'done'];

/** From the first state to the last, by what is done. */
export const ROADS: { readonly [Kind in ApiJob['kind']]: States } = {
  firmware: ['queued', 'checking', 'transferring', 'verifying', 'activating', 'confirming', 'done'],
  configuration: WRITING,
  'alarm-thresholds': WRITING,
  batch: WRITING,
};
export const WAITING: States = ['waiting-approval', 'waiting-window'];
/** Off the road: where a device is taken back, or ends otherwise. */
export const ASIDE: States = ['rolling-back', 'rolled-back', 'failed', 'aborted', 'refused'];
export const ENDED: States = ['done', 'rolled-back', 'failed', 'aborted', 'refused'];
