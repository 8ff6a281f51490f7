// `gatehouse firmware …`: images to the gateway, updates to devices.

import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { ApiImage } from '../http/schema-jobs.ts';
import { type Api, type ApiOptions, faultOf, parsed, withApi, withGateway } from './api-client.ts';
import { readText } from './api-connection.ts';
import { badInput, CommandFault, EXIT, failed, type Terminal } from './exit.ts';
import { addJobVerbs, baseOf, everyPage, type StartWords, startJob, tell, withStart } from './job-verbs.ts';
import { octetsText, textTable } from './text-table.ts';

const PIECE = 1_048_576;
/** Pieces in a row that did not get through. */
const MOST_TRIES = 5;
const EVERY_MS = 1000;

interface UpdateWords extends StartWords {
  readonly image: string;
  readonly device: readonly string[];
  readonly atOnce: string;
  readonly canary: boolean;
  readonly stopAt: string;
}

export const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

export function addFirmwareCommands(program: Command, terminal: Terminal): void {
  const firmware = program.command('firmware').description('images, and updates of devices');

  withApi(firmware.command('images').description('the images the gateway holds')).action((options: ApiOptions) =>
    withGateway(options, terminal, async (api) => {
      const images = await everyPage<ApiImage>(api, '/api/v1/images?limit=100');
      tell(terminal, options, images, images.length === 0 ? ['no images'] : describeImages(images));
    }),
  );

  withApi(firmware.command('upload').description('send an image; it goes on where it stopped').argument('<file>'))
    .requiredOption('--manifest <file>', 'the signed manifest')
    .action((file: string, options: ApiOptions & { manifest: string }) =>
      withGateway(options, terminal, async (api) => {
        const image = await announce(api, options.manifest);
        const whole = await upload(api, image, file, terminal);
        tell(terminal, options, whole, describeImages([whole]));
      }),
    );

  withApi(
    firmware
      .command('fetch')
      .description(
        'let the gateway get an image over HTTPS, from a host that its configuration names in `images.hosts`',
      )
      .argument('<url>'),
  )
    .requiredOption('--manifest <file>', 'the signed manifest')
    .option('--wait', 'until it is whole, or given up')
    .action((url: string, options: ApiOptions & { manifest: string; wait?: boolean }) =>
      withGateway(options, terminal, async (api) => {
        const { id } = await announce(api, options.manifest);
        let image = await api.ask<ApiImage>('POST', `/api/v1/images/${id}/fetch`, { url });
        while (options.wait && image.state === 'receiving') {
          terminal.progress?.(`${octetsText(image.received)} of ${octetsText(image.size)}`);
          const why = image.fetching?.why;
          if (why?.startsWith('given up')) throw failed(why);
          await sleep(EVERY_MS);
          image = await api.ask<ApiImage>('GET', `/api/v1/images/${id}`);
        }
        terminal.progress?.('');
        tell(terminal, options, image, describeImages([image]));
      }),
    );

  withApi(firmware.command('remove').description('remove an image from the gateway').argument('<image>')).action(
    (id: string, options: ApiOptions) =>
      withGateway(options, terminal, async (api) => {
        await api.ask('DELETE', `/api/v1/images/${encodeURIComponent(id)}`);
        tell(terminal, options, { removed: id }, [`removed ${id}`]);
      }),
  );

  withStart(firmware.command('update').description('update devices: all of them permitted, or nothing is begun'))
    .requiredOption('--image <id>', 'its SHA-256, or the beginning of it')
    .requiredOption('--device <id>', 'a device; again for each', collect, [])
    .option('--at-once <n>', 'how many at a time', '4')
    .option('--canary', 'the first device alone before the others (default)', true)
    .option('--no-canary', 'all alike from the beginning')
    .option('--stop-at <percent>', 'begin no further device once so many have failed', '20')
    .action((options: UpdateWords) => update(options, terminal));

  addJobVerbs(firmware, terminal, 'firmware');
}

async function update(options: UpdateWords, terminal: Terminal): Promise<void> {
  const rollout = {
    canary: options.canary,
    atOnce: whole(options.atOnce, '--at-once', 32),
    stopAtFailedPercent: whole(options.stopAt, '--stop-at', 100),
  };
  const image = await imageNamed(options.image, options, terminal);
  await startJob(
    { kind: 'firmware', image, devices: [...options.device], rollout, ...baseOf(options) },
    options,
    terminal,
  );
}

/** A digest, or the only one that begins so. */
async function imageNamed(text: string, options: ApiOptions, terminal: Terminal): Promise<string> {
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  const images = await withGateway(options, terminal, (api) => everyPage<ApiImage>(api, '/api/v1/images?limit=100'));
  const found = images.filter(({ id }) => text.length >= 6 && id.startsWith(text));
  if (found.length !== 1) throw badInput(`got --image \`${text}\`, which is the beginning of ${found.length} images`);
  return found[0]?.id ?? '';
}

function whole(text: string, option: string, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw badInput(`got ${option} \`${text}\`, expected a whole number from 1 to ${most}`);
}

async function announce(api: Api, file: string): Promise<ApiImage> {
  return api.ask<ApiImage>('POST', '/api/v1/images', { manifest: readText(file).trim() });
}

async function upload(api: Api, announced: ApiImage, file: string, terminal: Terminal): Promise<ApiImage> {
  const path = `/api/v1/images/${announced.id}`;
  let image = announced;
  const handle = await open(file, 'r').catch((error: Error) => {
    throw badInput(`could not read \`${file}\`: ${error.message}`);
  });
  try {
    const { size } = await handle.stat();
    if (size !== image.size) throw badInput(`got \`${file}\` of ${size} octets, the manifest says ${image.size}`);
    const piece = Buffer.alloc(PIECE);
    for (let tries = 0; image.state === 'receiving'; ) {
      const { bytesRead } = await handle.read(piece, 0, PIECE, image.received);
      try {
        const answer = await api.send(`${path}/content`, piece.subarray(0, bytesRead), {
          'upload-offset': String(image.received),
        });
        // Somebody else sent a part, or an answer was lost: the gateway says how far it is.
        if (answer.status === 409) throw faultOf(answer);
        image = parsed<ApiImage>(answer);
        tries = 0;
        terminal.progress?.(`${octetsText(image.received)} of ${octetsText(image.size)}`);
      } catch (error) {
        tries += 1;
        if (!(error instanceof CommandFault) || error.exitCode !== EXIT.failed || tries >= MOST_TRIES) throw error;
        await sleep(EVERY_MS * tries);
        image = await api.ask<ApiImage>('GET', path);
      }
    }
    terminal.progress?.('');
    return image;
  } finally {
    await handle.close();
  }
}

function describeImages(images: readonly ApiImage[]): string[] {
  return textTable(
    ['image', 'vendor', 'model', 'version', 'size', 'state', 'by'],
    images.map(({ id, vendor, model, version, size, received, state, addedBy, fetching }) => [
      id,
      vendor,
      model,
      version,
      octetsText(size),
      state === 'ready'
        ? 'ready'
        : `${Math.floor((100 * received) / size)} %${fetching?.why === undefined ? '' : `, ${fetching.why}`}`,
      addedBy ?? '',
    ]),
  );
}
