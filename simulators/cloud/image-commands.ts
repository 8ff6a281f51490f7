// `gatehouse-console image key | sign`: a vendor's keys, and the signed manifests without which a gateway takes no firmware.

import { createHash } from 'node:crypto';
import { createReadStream, readFileSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { parseDocument } from 'yaml';
import { type CommonOptions, homeOf } from './console-context.ts';
import { badInput, messageOf, type Terminal } from './console-exit.ts';
import { ConsoleFolder } from './console-folder.ts';
import { makeKey, ownKey } from './key-ring.ts';
import type { Shape } from './setup-commands.ts';
import { type SigningKey, signCompact } from './signing.ts';

const IMAGE_TYP = 'gatehouse.image+jws';

interface SignWords extends CommonOptions {
  readonly vendor: string;
  readonly model: string;
  readonly version: string;
  readonly minimumVersion?: string;
  readonly permitDowngrade?: boolean;
  readonly notes?: string;
  readonly key: string;
  readonly out?: string;
}

export function addImageCommands(program: Command, terminal: Terminal, shape: Shape): void {
  const image = program.command('image').description('firmware images: keys, and signed manifests');

  shape(image.command('key').description('make a key that signs images, and name it in a policy').argument('<name>'))
    .option('--policy <file>', 'put the public part into `keys.images` of this bundle (JSON or YAML)')
    .action((name: string, options: CommonOptions & { policy?: string }) => {
      const folder = ConsoleFolder.open(homeOf(options));
      const key = ownKey(folder, name) ?? makeKey(folder, name);
      if (options.policy !== undefined) nameInPolicy(options.policy, key);
      const jwk = imageJwk(key);
      terminal.out(options.json ? JSON.stringify(jwk) : `key \`${name}\`: ${JSON.stringify(jwk)}`);
      if (options.policy === undefined) terminal.err('put it into `keys.images` of the policy: --policy FILE does');
    });

  shape(image.command('sign').description('sign an image for its devices').argument('<file>'))
    .requiredOption('--vendor <name>', 'as the devices report it')
    .requiredOption('--model <name>', 'as the devices report it')
    .requiredOption('--version <text>', 'as the devices report it once it runs')
    .requiredOption('--key <name>', 'made by `image key`')
    .option('--minimum-version <text>', 'devices that run an older one refuse it')
    .option('--permit-downgrade', 'devices may go back to it from a newer one')
    .option('--notes <text>', 'for people')
    .option('--out <file>', 'where the manifest goes (default FILE.manifest)')
    .action((file: string, options: SignWords) => sign(file, options, terminal));
}

/** As it stands in `keys.images`. */
export const imageJwk = ({ kid, publicJwk }: SigningKey): object => ({ ...publicJwk, kid });

/** The manifest of an image, as a gateway takes it. */
export function signImage(
  image: { readonly size: number; readonly sha256: string },
  said: Pick<SignWords, 'vendor' | 'model' | 'version' | 'minimumVersion' | 'permitDowngrade' | 'notes'>,
  key: SigningKey,
): string {
  const { vendor, model, version, minimumVersion, permitDowngrade, notes } = said;
  const payload = {
    format: 'gatehouse.image/1',
    vendor,
    model,
    version,
    ...(minimumVersion === undefined ? {} : { minimumVersion }),
    ...image,
    ...(permitDowngrade ? { permitsDowngrade: true } : {}),
    ...(notes === undefined ? {} : { notes }),
  };
  return signCompact(payload, IMAGE_TYP, key);
}

async function sign(file: string, options: SignWords, terminal: Terminal): Promise<void> {
  const folder = ConsoleFolder.open(homeOf(options));
  const key = ownKey(folder, options.key);
  if (!key) throw badInput(`got key \`${options.key}\`, which this console does not hold: \`image key\` makes it`);
  const hash = createHash('sha256');
  let size = 0;
  try {
    for await (const octets of createReadStream(file) as AsyncIterable<Buffer>) {
      hash.update(octets);
      size += octets.length;
    }
  } catch (error) {
    throw badInput(`could not read \`${file}\`: ${messageOf(error)}`);
  }
  if (size === 0) throw badInput(`got an empty file \`${file}\`, expected an image`);
  const sha256 = hash.digest('hex');
  const out = options.out ?? `${file}.manifest`;
  writeFileSync(out, `${signImage({ size, sha256 }, options, key)}\n`);
  const said = { manifest: out, sha256, size, key: key.kid };
  const { vendor, model, version } = options;
  terminal.out(
    options.json
      ? JSON.stringify(said)
      : `signed by \`${key.kid}\`: ${vendor} ${model} ${version}, ${size} octets, ${sha256}\n${out}`,
  );
}

/** The rest of the file stays as it was written, comments included. */
function nameInPolicy(file: string, key: SigningKey): void {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw badInput(`could not read \`${file}\`: ${messageOf(error)}`);
  }
  if (/^\s*\{/.test(text)) {
    const bundle = JSON.parse(text) as { keys?: { images?: object[] } };
    const images = withKey(bundle.keys?.images ?? [], key);
    writeFileSync(file, `${JSON.stringify({ ...bundle, keys: { ...bundle.keys, images } }, null, 2)}\n`);
    return;
  }
  const document = parseDocument(text);
  if (document.errors.length > 0) throw badInput(`got \`${file}\`, which is no YAML: ${messageOf(document.errors[0])}`);
  const { keys } = (document.toJS() ?? {}) as { keys?: { images?: object[] } };
  document.setIn(['keys', 'images'], document.createNode(withKey(keys?.images ?? [], key)));
  writeFileSync(file, document.toString());
}

function withKey(images: readonly object[], key: SigningKey): object[] {
  return [...images.filter((each) => (each as { kid?: unknown }).kid !== key.kid), imageJwk(key)];
}
