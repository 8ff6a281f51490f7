// What the local socket can be asked: status, sessions, explain. Every body is checked; refusals say what to do.

import { z } from 'zod';
import type { Clock } from '../contract/clock.ts';
import type { ToolSession } from '../contract/tool-session.ts';
import type { GateControl } from '../gate/options.ts';
import { principalId, sessionId, targetId } from '../model/ids.ts';
import type { Who } from '../model/journal-row.ts';
import { explain } from '../policy/explain.ts';
import type { ExplainReply, SessionReply } from './control-api.ts';
import { parseBody } from './control-body.ts';
import { ControlFault, type ControlRoute } from './control-server.ts';
import { explainReply } from './explain-reply.ts';
import type { DaemonStanding } from './standing.ts';

const sessionBody = z.strictObject({
  principal: z.string().min(1),
  address: z.string().min(1),
  forMs: z.number().positive(),
  devices: z.array(z.string().min(1)).optional(),
});

const explainBody = z.strictObject({
  principal: z.string().nullable(),
  action: z.string().min(1),
  targets: z.array(z.string()),
  channel: z.string().optional(),
  priority: z.int().min(1).max(16).optional(),
  at: z.number().optional(),
});

/** Whoever may open the socket is an administrator of the box: the socket's mode is the proof. */
const administrator: Who = {
  principal: null,
  channel: 'local',
  proof: { kind: 'box-administrator', uid: process.getuid?.() ?? 0 },
  from: 'control-socket',
};

export function controlRoutes(parts: {
  readonly gate: GateControl;
  readonly standing: DaemonStanding;
  readonly clock: Clock;
}): readonly ControlRoute[] {
  const { gate, standing, clock } = parts;
  return [
    { method: 'GET', path: '/v1/status', run: () => standing.status() },
    { method: 'GET', path: '/v1/sessions', run: () => gate.sessions().map(sessionReply) },
    {
      method: 'POST',
      path: '/v1/sessions',
      async run(body) {
        const { principal, address, forMs, devices } = parseBody(sessionBody, body);
        const opened = await gate.openSession({
          principal: principalId(principal),
          address,
          forMs,
          by: administrator,
          ...(devices ? { devices: devices.map(targetId) } : {}),
        });
        if (!opened.ok) {
          const bad = ['bad-address', 'bad-duration', 'unknown-device', 'unknown-principal'];
          throw new ControlFault(bad.includes(opened.fault.reason) ? 400 : 403, opened.fault.text);
        }
        return sessionReply(opened.value);
      },
    },
    {
      method: 'DELETE',
      path: '/v1/sessions/:id',
      run(_body, id) {
        if (!gate.endSession(sessionId(id), administrator, 'ended by an administrator of the box')) {
          throw new ControlFault(404, `got session \`${id}\`, expected an open one (\`gatehouse session list\`)`);
        }
      },
    },
    {
      method: 'POST',
      path: '/v1/explain',
      run(body): ExplainReply {
        const snapshot = gate.policy();
        if (!snapshot) throw new ControlFault(503, 'no policy is in force: every change is refused `no-policy`');
        const { channel, priority, at, ...asked } = parseBody(explainBody, body);
        return explainReply(
          explain(snapshot, {
            ...asked,
            at: at ?? clock.now(),
            ...(channel === undefined ? {} : { channel }),
            ...(priority === undefined ? {} : { priority }),
            ...(clock.sure() ? {} : { timeUnsure: true }),
          }),
        );
      },
    },
  ];
}

function sessionReply(session: ToolSession): SessionReply {
  const { id, principal, address, openedAt, until, devices } = session;
  return { id, principal, address, openedAt, until, ...(devices ? { devices } : {}) };
}
