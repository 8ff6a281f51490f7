// What the rig of every driver stands on: a policy, the real gate over a journal in memory, and the machine's own time.

import { afterAwake, awakeMs } from '../../simulators/awake-time.ts';
import type { Clock, Timers } from '../../src/contract/clock.ts';
import { createGate } from '../../src/gate/gate.ts';
import type { GateControl, SiteRules } from '../../src/gate/options.ts';
import { principalId } from '../../src/model/ids.ts';
import type { PolicySnapshot } from '../../src/policy/rights.ts';
import { ADMINISTRATOR, StageJournal, StageLog } from '../gate/stage.ts';

export const realTime: Clock = { now: () => Date.now(), monotonic: awakeMs, sure: () => true };
export const realTimers: Timers = { after: afterAwake };

/** The gate with this policy in force; every address of 127/8 may be claimed. */
export function openGate(
  policy: PolicySnapshot,
  site: Partial<SiteRules> = {},
  time: { readonly clock: Clock; readonly timers: Timers } = { clock: realTime, timers: realTimers },
): { readonly gate: GateControl; readonly journal: StageJournal; readonly log: StageLog } {
  const journal = new StageJournal();
  const log = new StageLog();
  let ids = 0;
  const gate = createGate({
    ...time,
    journal,
    log,
    links: { lookup: () => undefined },
    newId: (kind) => {
      ids += 1;
      return `${kind}-${ids}`;
    },
    site: {
      applicationAddresses: [],
      sharedNetworks: ['127.0.0.0/8'],
      neverGated: { peers: [], targets: [] },
      ...site,
    },
  });
  gate.activate(policy);
  return { gate, journal, log };
}

/** A tool session for an hour; its id. */
export async function openSession(gate: GateControl, principal: string, address: string): Promise<string> {
  const claim = { principal: principalId(principal), address, forMs: 3_600_000, by: ADMINISTRATOR };
  const opened = await gate.openSession(claim);
  if (!opened.ok) throw new Error(opened.fault.text);
  return opened.value.id;
}

interface SiteParts {
  readonly devices: readonly object[];
  readonly points: readonly object[];
  readonly revision?: number;
  readonly users?: readonly object[];
  readonly applications?: readonly object[];
  readonly filters?: readonly object[];
  readonly roles?: readonly object[];
  readonly grants?: readonly object[];
  /** Whatever else stands beside the organization. */
  readonly more?: object | undefined;
}

/** The policy of one organization with one site, `hq`; nobody may anything but by `grants`. */
export function siteBundle(parts: SiteParts): { readonly [key: string]: unknown } {
  const { devices, points, revision = 1, users = [], applications = [], filters = [], roles = [], grants = [] } = parts;
  return {
    format: 'gatehouse.policy/1',
    revision,
    audience: ['rig'],
    issuedAt: new Date(Date.now() - 60_000).toISOString(),
    users,
    applications,
    ...parts.more,
    organizations: [
      {
        id: 'acme',
        name: 'Acme',
        model: { siteAccess: 'all', roleHierarchy: 'flat', rolesPerUser: 'many' },
        refusedByTool: [],
        locations: [
          { id: 'root', name: 'Acme', kind: 'organization' },
          { id: 'hq', name: 'HQ', parent: 'root', kind: 'site' },
        ],
        devices,
        points,
        filters,
        roles,
        grants,
      },
    ],
  };
}
