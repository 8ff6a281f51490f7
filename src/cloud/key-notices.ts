// What is accepted but said about keys: a policy whose signer the root no longer names, and command keys of the policy that
// the root does not name. A key may sign commands if the root names it for that, and the policy's `keys.commands`, where
// there is one, lists it as well: the policy narrows what the root grants, and never widens it.

import { z } from 'zod';
import type { Notice } from '../model/fault.ts';
import type { Manifest, ManifestPayload } from './manifest.ts';
import type { TrustedRoot } from './root.ts';

const keysSchema = z.looseObject({ commands: z.array(z.looseObject({ x: z.string().optional() })) });

/** The public halves that a policy names for commands; `undefined`: it leaves that to the root. */
function commandKeysOf({ keys }: Pick<ManifestPayload, 'keys'>): readonly (string | undefined)[] | undefined {
  const parsed = keysSchema.safeParse(keys);
  return parsed.success ? parsed.data.commands.map(({ x }) => x) : undefined;
}

/** Ids of the root's command keys that the policy lists as well; `undefined`: the policy lists none, so the root's count. */
export function policyKeyNames(
  policy: Pick<ManifestPayload, 'keys'> | undefined,
  { document }: TrustedRoot,
): ReadonlySet<string> | undefined {
  const listed = policy && commandKeysOf(policy);
  if (!listed) return undefined;
  return new Set(document.roles.commands.keys.filter((id) => listed.includes(document.keys[id]?.x)));
}

export function keyNotices({ payload, kid }: Manifest, root: TrustedRoot): Notice[] {
  const notices: Notice[] = [];
  if (root.keyFor('policy', kid) === undefined) {
    notices.push({ path: '', text: `signed by key \`${kid}\`, which the trusted root no longer names: push it again` });
  }
  const { roles, keys } = root.document;
  const named = new Set(roles.commands.keys.map((id) => keys[id]?.x));
  for (const [index, x] of (commandKeysOf(payload) ?? []).entries()) {
    if (!named.has(x)) {
      notices.push({
        path: `keys.commands.${index}`,
        text: 'without effect: the trusted root does not name it for commands',
      });
    }
  }
  return notices;
}
