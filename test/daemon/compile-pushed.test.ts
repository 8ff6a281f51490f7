// A few rights for the inventory in force are compiled on the spot: the same checks and the same answers as in the thread.

import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { type BundleJson, splitBundle } from '../../simulators/cloud/bundle-parts.ts';
import type { ManifestPayload } from '../../src/cloud/manifest.ts';
import type { PolicyPart } from '../../src/cloud/policy-parts.ts';
import { type PushedPolicy, pushedCompiler } from '../../src/daemon/compile-pushed.ts';
import { decide } from '../../src/policy/decide.ts';
import { siteBundle } from '../cloud/site-bundle.ts';

const bundleOf = (revision: number, operator: string): BundleJson =>
  siteBundle({ revision, gateway: 'site-1', operator });

interface Read {
  readonly kinds: string[];
}

function pushed(bundle: BundleJson, read: Read, order: (parts: PolicyPart[]) => PolicyPart[] = (parts) => parts) {
  const { header, parts } = splitBundle(bundle);
  const given = parts.map(
    ({ kind, organization, bytes }): PolicyPart => ({
      kind,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      size: bytes.length,
      ...(organization === undefined ? {} : { organization }),
      async read() {
        read.kinds.push(kind);
        return bytes;
      },
    }),
  );
  return { header: { ...header, epoch: 1, parts: [] } as unknown as ManifestPayload, parts: order(given) };
}

const compile = pushedCompiler([]);
const mayWrite = ({ snapshot }: PushedPolicy, principal: string): boolean =>
  decide(snapshot, { principal, action: 'point.write', targets: ['ahu0/point-0'], channel: 'local', at: 0 })
    .decision === 'permit';

async function compiled(
  bundle: BundleJson,
  previous: PushedPolicy | undefined,
  read: Read = { kinds: [] },
): Promise<PushedPolicy> {
  const { header, parts } = pushed(bundle, read);
  const result = await compile(header, parts, previous);
  if (!result.ok) throw new Error(JSON.stringify(result.fault));
  return result.value.snapshot;
}

it('rights alone stand on the very same inventory, which is not read again', async () => {
  const first = await compiled(bundleOf(1, 'anna'), undefined);
  const read: Read = { kinds: [] };
  const second = await compiled(bundleOf(2, 'ben'), first, read);
  expect(read.kinds).not.toContain('inventory');
  expect(second.snapshot.inventory).toBe(first.snapshot.inventory);
  expect(second.snapshot.header.revision).toBe(2);
  expect([mayWrite(second, 'anna'), mayWrite(second, 'ben')]).toEqual([false, true]);
  const fresh = await compiled(bundleOf(2, 'ben'), undefined);
  expect(second.notices).toEqual(fresh.notices);
  expect(second.snapshot.rights.organizations).toEqual(fresh.snapshot.rights.organizations);
});

it('another inventory, or other organizations, are compiled whole', async () => {
  const first = await compiled(bundleOf(1, 'anna'), undefined);
  const read: Read = { kinds: [] };
  const larger = await compiled(siteBundle({ revision: 2, gateway: 'site-1', points: 3 }), first, read);
  expect(read.kinds).toContain('inventory');
  expect(larger.snapshot.inventory.pointCount).toBe(3);
  const { header, parts } = pushed({ ...bundleOf(3, 'ben') }, read, (given) => [
    ...given,
    { ...(given.find(({ kind }) => kind === 'rights') as PolicyPart), organization: 'b', sha256: '0'.repeat(64) },
  ]);
  expect(await compile(header, parts, first)).toMatchObject({
    ok: false,
    fault: {
      code: 'refused-bundle',
      faults: expect.arrayContaining([expect.objectContaining({ path: 'organizations.1.locations' })]),
    },
  });
});

it('the same faults by both ways', async () => {
  const first = await compiled(bundleOf(1, 'anna'), undefined);
  for (const operator of ['nobody', '']) {
    const { header, parts } = pushed(bundleOf(2, operator), { kinds: [] });
    const [here, aside] = [await compile(header, parts, first), await compile(header, parts, undefined)];
    expect(here).toMatchObject({ ok: false, fault: { code: 'refused-bundle' } });
    expect(here).toEqual(aside);
  }
  for (const text of ['{', '[]', '{"locations":[]}']) {
    const spoilt = (given: PolicyPart[]) =>
      given.map((part) => (part.kind === 'rights' ? { ...part, read: async () => Buffer.from(text) } : part));
    const { header, parts } = pushed(bundleOf(2, 'ben'), { kinds: [] }, spoilt);
    const [here, aside] = [await compile(header, parts, first), await compile(header, parts, undefined)];
    expect(here).toMatchObject({ ok: false, fault: { code: 'malformed' } });
    expect(here).toMatchObject({ fault: { faults: [{ path: aside.ok ? '' : aside.fault.faults[0].path }] } });
  }
});
