// The thread that writes overrides, batches under way and replies to repeat: no flush on the gateway's event loop.

import { openDatabase } from './database.ts';
import { overrideSchema } from './override-schema.ts';
import { answerOrders } from './thread-orders.ts';

export type OverrideOrder =
  | { readonly kind: 'open' }
  | {
      readonly kind: 'put';
      readonly of: string;
      readonly id: string;
      readonly at: number;
      readonly body: string;
    }
  | { readonly kind: 'remove'; readonly of: string; readonly id: string }
  | { readonly kind: 'close' };

const PUT = `INSERT INTO document (kind, id, at, body) VALUES (?, ?, ?, ?)
  ON CONFLICT (kind, id) DO UPDATE SET at = excluded.at, body = excluded.body`;

answerOrders<OverrideOrder>((file) => {
  const database = openDatabase(file, overrideSchema);
  return {
    carryOut(order) {
      if (order.kind === 'put') database.prepare(PUT).run(order.of, order.id, order.at, order.body);
      if (order.kind === 'remove')
        database.prepare('DELETE FROM document WHERE kind = ? AND id = ?').run(order.of, order.id);
    },
    close: () => void database.close(),
  };
});
