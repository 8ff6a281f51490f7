// A firmware update as the API tells of it, held to the API's own schemas, for what the demo's plant does not show.

import { type ApiImage, type ApiJob, imageSchema, jobCheckSchema, jobSchema } from '../../src/http/schema-jobs.ts';
import type { Visit } from './browser.ts';

export const IMAGE: ApiImage = imageSchema.parse({
  id: 'a1'.repeat(32),
  vendor: 'Northwind Controls',
  model: 'Boreas 9000-B',
  version: '2.1.0',
  minimumVersion: '1.8.0',
  permitsDowngrade: false,
  notes: 'Steadier supply air control at low load.',
  size: 2_097_152,
  received: 2_097_152,
  state: 'ready',
  key: 'northwind-2026',
  addedAt: Date.now() - 86_400_000,
  addedBy: 'Carla',
  own: true,
});

const STATES = [
  ...Array.from({ length: 7 }, () => 'done'),
  ...Array.from({ length: 4 }, () => 'transferring'),
  'verifying',
  'activating',
  'rolled-back',
  ...Array.from({ length: 6 }, () => 'queued'),
] as const;

/** Twenty air handlers, four at a time. */
export function updateJob(changes: Partial<ApiJob> = {}): ApiJob {
  const now = Date.now();
  const counts: { [state: string]: number } = {};
  for (const state of STATES) counts[state] = (counts[state] ?? 0) + 1;
  return jobSchema.parse({
    id: 'j-update',
    kind: 'firmware',
    state: 'running',
    revision: 40,
    starter: 'Carla',
    own: true,
    startedAt: now - 240_000,
    may: ['pause', 'abort'],
    approvals: { needed: 0, given: [] },
    counts,
    octets: { sent: 18_400_000, total: 41_943_040, perSecond: 340_000 },
    image: { id: IMAGE.id, vendor: IMAGE.vendor, model: IMAGE.model, version: IMAGE.version },
    rollout: { canary: true, atOnce: 4, stopAtFailedPercent: 20 },
    partial: false,
    devices: STATES.map((state, at) => ({
      device: { id: `ahu${at + 1}`, name: `Air handling unit ${at + 1}` },
      state,
      since: now - 30_000,
      tries: state === 'rolled-back' ? 2 : 1,
      oldVersion: '2.0.4',
      newVersion: '2.1.0',
      decisions: state === 'queued' ? [] : [`d-${at}`],
      denied: [],
      ...(state === 'transferring' && {
        progress: { octets: 400_000 + at * 150_000, total: IMAGE.size, perSecond: 85_000 },
      }),
      ...(!['done', 'rolled-back'].includes(state) && { deadline: now + 600_000 }),
      ...(state === 'rolled-back' && { why: 'it did not come up with `2.1.0` within 2 min' }),
    })),
    ...changes,
  });
}

/** What is not permitted on one of three devices. */
const CHECK = jobCheckSchema.parse({
  ok: false,
  approvals: 1,
  faults: [],
  devices: [
    { device: { id: 'ahu1', name: 'Air handling unit 1' }, denied: [], version: '2.0.4' },
    { device: { id: 'ahu2', name: 'Air handling unit 2' }, denied: [], fault: 'runs `2.2.0`, newer than `2.1.0`' },
    {
      device: { id: 'chiller1', name: 'Chiller 1' },
      denied: [
        {
          device: 'chiller1',
          reason: 'out-of-scope',
          needed: 'firmware.update',
          askWhom: { people: [{ id: 'dora', name: 'Dora' }], count: 1, withheld: false },
        },
      ],
    },
  ],
});

const streamOf = (event: string, data: unknown): string =>
  `retry: 60000\n\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

/** Answers for jobs and images from here; the rest stays the gateway's. */
export async function actFirmware({ page }: Visit, job: () => ApiJob): Promise<{ readonly posted: string[] }> {
  const posted: string[] = [];
  await page.route('**/api/v1/me', async (route) => {
    const answer = await route.fetch();
    const me = (await answer.json()) as { can: string[] };
    await route.fulfill({ response: answer, json: { ...me, can: [...me.can, 'firmware.update'] } });
  });
  await page.route('**/api/v1/images?*', (route) => route.fulfill({ json: { items: [IMAGE] } }));
  await page.route('**/api/v1/jobs?*', (route) => {
    const { devices: _devices, partial: _partial, rollout: _rollout, ...summary } = job();
    return route.fulfill({ json: { items: [summary] } });
  });
  await page.route('**/api/v1/jobs/check', (route) => route.fulfill({ json: CHECK }));
  await page.route('**/api/v1/jobs/j-update**', (route) => {
    const request = route.request();
    if (request.method() === 'POST') {
      posted.push(`${new URL(request.url()).pathname.split('/').at(-1)} ${request.postData() ?? ''}`.trim());
    }
    return route.fulfill({ json: job() });
  });
  await page.route('**/api/v1/live?*job=*', (route) =>
    route.fulfill({ contentType: 'text/event-stream', body: streamOf('job', job()) }),
  );
  await page.reload();
  return { posted };
}
