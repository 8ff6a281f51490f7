// The thread that writes policy: megabytes of parts are hashed and flushed here, off the gateway's event loop.

import type { RememberedCommand } from '../contract/command-memory.ts';
import { openPolicyCore, type PolicyCommit } from './policy-core.ts';
import { answerOrders } from './thread-orders.ts';

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

answerOrders<PolicyOrder>((file) => {
  const core = openPolicyCore(file);
  return {
    carryOut(order) {
      if (order.kind === 'put-part') core.putPart(order.hash, order.bytes);
      if (order.kind === 'commit') core.commit(order.policy);
      if (order.kind === 'put-root') core.putRoot(order.bytes);
      if (order.kind === 'put-setting') core.putSetting(order.key, order.value);
      if (order.kind === 'begin-command') core.beginCommand(order.command);
      if (order.kind === 'end-command') core.endCommand(order.id, order.result);
      if (order.kind === 'forget-commands') core.forgetCommands(order.at);
    },
    answered(order) {
      if (order.kind === 'commit') core.tidy();
    },
    close: () => core.close(),
  };
});
