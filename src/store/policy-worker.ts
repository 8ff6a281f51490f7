// The thread that writes policy: megabytes of parts are hashed and flushed here, off the gateway's event loop.

import { parentPort, workerData } from 'node:worker_threads';
import type { RememberedCommand } from '../contract/command-memory.ts';
import { openPolicyCore, type PolicyCommit, type PolicyCore } from './policy-core.ts';
import type { ThreadAnswer } from './resting-line.ts';
import { asStoreFault } from './store-fault.ts';

export interface PolicyWorkerData {
  readonly file: string;
}

export type PolicyOrder =
  | { readonly kind: 'open' }
  | { readonly kind: 'put-part'; readonly hash: string; readonly bytes: Uint8Array }
  | { readonly kind: 'commit'; readonly policy: PolicyCommit }
  | { readonly kind: 'put-root'; readonly bytes: string }
  | { readonly kind: 'put-setting'; readonly key: string; readonly value: string }
  | { readonly kind: 'begin-command'; readonly command: Omit<RememberedCommand, 'result'> }
  | { readonly kind: 'end-command'; readonly id: string; readonly result: string }
  | { readonly kind: 'forget-commands'; readonly at: number }
  | { readonly kind: 'close' };

const port = parentPort;
if (port !== null) {
  const { file } = workerData as PolicyWorkerData;
  let core: PolicyCore | undefined;
  const opened = () => {
    core ??= openPolicyCore(file);
    return core;
  };
  const perform = (order: PolicyOrder): void => {
    if (order.kind === 'close') {
      core?.close();
      port.close();
      return;
    }
    const open = opened();
    if (order.kind === 'put-part') open.putPart(order.hash, order.bytes);
    if (order.kind === 'commit') open.commit(order.policy);
    if (order.kind === 'put-root') open.putRoot(order.bytes);
    if (order.kind === 'put-setting') open.putSetting(order.key, order.value);
    if (order.kind === 'begin-command') open.beginCommand(order.command);
    if (order.kind === 'end-command') open.endCommand(order.id, order.result);
    if (order.kind === 'forget-commands') open.forgetCommands(order.at);
  };
  port.on('message', (order: PolicyOrder) => {
    let answer: ThreadAnswer = { kind: 'done' };
    try {
      perform(order);
    } catch (thrown) {
      const { code, message } = asStoreFault(thrown, file);
      answer = { kind: 'failed', code, message };
    }
    port.postMessage(answer);
    if (order.kind === 'commit' && answer.kind === 'done') core?.tidy();
  });
}
