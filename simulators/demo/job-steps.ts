// The tour's steps on several devices at once, by the command line as at home: every device or none, images that are what their
// maker signed, and the devices' own records and the gateway's as the witnesses.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask } from '../bacnet/requests.ts';
import { refused } from './bacnet-steps.ts';
import type { CommandResult } from './gateway.ts';
import type { DemoImage } from './images.ts';
import { check, type Stage, type Step } from './stage.ts';
import { askSecurely } from './tool.ts';

const EXIT = { done: 0, badInput: 2, denied: 3 } as const;
const FILE_ACCESS_DENIED = [5, 5] as const;
const PIECE = 480;
/** Where the chiller's boot loader takes the number of a block, and the block behind it. */
const LOADER_BLOCK = 540;
const LIMIT = 31;

const bringing: readonly Step[] = [
  {
    sentence: 'firmware: an image with one changed octet is not what its maker signed: Carla cannot even start with it',
    async play(stage) {
      const { id, file, manifestFile } = imageOf(stage);
      const octets = readFileSync(file);
      octets.writeUInt8(octets.readUInt8(octets.length >> 1) ^ 1, octets.length >> 1);
      const changed = join(stage.site.folder, 'changed.bin');
      writeFileSync(changed, octets);
      await nothingArrives(stage, async () => {
        const upload = await stage.command('carla', ['firmware', 'upload', changed, '--manifest', manifestFile]);
        ended(upload, EXIT.badInput, /got an image of digest/);
        const update = await stage.command('carla', ['firmware', 'update', '--image', id, '--device', 'ahu2']);
        check(update.code !== EXIT.done, `expected no update to begin, got: ${update.stdout}`);
      });
    },
  },
  {
    sentence: 'firmware: Dora may update the chiller only: her update of chiller and air handler is refused for both',
    async play(stage) {
      const { id, file, manifestFile } = imageOf(stage);
      const upload = await stage.command('carla', ['firmware', 'upload', file, '--manifest', manifestFile]);
      ended(upload, EXIT.done, /ready/);
      await refusedToDora(stage, ['firmware', 'update', '--image', id, '--device', 'chiller1', '--device', 'ahu2']);
    },
  },
  {
    sentence: 'firmware: Carla updates the air handler: its boot loader takes the image, and it runs the new version',
    async play(stage) {
      const { id, version } = imageOf(stage);
      const { loader } = stage.site.bacnet.devices.ahu2;
      const words = ['firmware', 'update', '--image', id, '--device', 'ahu2', '--wait'];
      ended(await stage.command('carla', words), EXIT.done, /ahu2 +done/);
      const runs = loader.wouldRun;
      check(runs.digest === id && runs.version === version, `expected it to run ${version}, got ${runs.version}`);
      const rows = (await stage.journal(500)).map(({ row }) => row);
      const steps = rows.filter(({ kind, firmware }) => kind === 'intent' && firmware?.image === id);
      check(steps.length >= 2, `expected intents to transfer and to activate, got ${steps.length}`);
      for (const step of steps) {
        check(step.who?.principal === 'carla', `expected Carla's intent, got ${JSON.stringify(step)}`);
        const outcome = rows.find(({ kind, decision }) => kind === 'outcome' && decision === step.decision);
        check(outcome?.outcome?.kind === 'acknowledged', `expected it to be done, got ${JSON.stringify(outcome)}`);
      }
    },
  },
  {
    sentence:
      'firmware: no tool of Carla’s brings one past that: raw AtomicWriteFile is refused from an address she claims',
    async play(stage) {
      await stage.signIn('carla');
      const piece = readFileSync(imageOf(stage).file).subarray(0, PIECE);
      await refused(stage, 'carla', ask.writeFile(1, 0, piece), FILE_ACCESS_DENIED);
      await lastRefusal(stage, 'channel-restricted');
    },
  },
  {
    sentence: 'firmware: and a block for the chiller’s boot loader, proved by her certificate, as image-unverified',
    async play(stage) {
      const block = Buffer.from([16, LOADER_BLOCK >> 8, LOADER_BLOCK & 0xff, 0, 2, 4, 0, 0, 0x4e, 0x57]);
      const answer = await nothingArrives(stage, () =>
        askSecurely(stage.port('secure'), stage.site.certificates, 'carla', 2, block),
      );
      check(answer.equals(Buffer.from([0x90, 1])), `expected exception 01, got ${answer.toString('hex')}`);
      await lastRefusal(stage, 'image-unverified');
    },
  },
];

const limiting: readonly Step[] = [
  {
    sentence: 'alarm limits of the Modbus and the BACnet air handler in one order: Dora may on one of them, so on none',
    play: (stage) => refusedToDora(stage, limits),
  },
  {
    sentence: 'alarm limits: the same order of Carla: both devices hold the limit, and the record has who, old and new',
    async play(stage) {
      ended(await stage.command('carla', [...limits, '--wait']), EXIT.done, /ahu1 +done\s+ahu2 +done/);
      const { ahu2 } = stage.site.bacnet.devices;
      const holds = [stage.holds('ahu1/sat-hi'), ahu2.object('analog-input,1').number('high-limit')];
      check(
        holds.every((limit) => limit === LIMIT),
        `expected both to hold ${LIMIT}, they hold ${holds.join(' and ')}`,
      );
      const intents = (await stage.journal()).flatMap(({ row }) => (row.kind === 'intent' ? [row] : []));
      for (const point of ['ahu1/sat-hi', 'ahu2/sat-hi']) {
        const intent = intents.findLast(({ effects = [] }) => effects.some(({ target }) => target === point));
        const effect = intent?.effects?.find(({ target }) => target === point);
        const isWhole = intent?.who?.principal === 'carla' && effect?.old === 28 && effect.new === LIMIT;
        check(isWhole, `expected Carla's 28 → ${LIMIT}, got ${JSON.stringify(intent)}`);
      }
    },
  },
];

export const jobSteps: readonly Step[] = [...bringing, ...limiting];

const limits = ['alarm', 'set', '--device', 'ahu1', '--device', 'ahu2', '--value', `sat-hi=${LIMIT}`];

/** That of the air handler on BACnet. */
function imageOf(stage: Stage): DemoImage {
  const image = stage.site.images.find(({ device }) => device === 'ahu2');
  if (image === undefined) throw new Error('the demo has no image for `ahu2`');
  return image;
}

/** The whole order, with the row a person finds of it; nothing in any device's record. */
async function refusedToDora(stage: Stage, words: readonly string[]): Promise<void> {
  const { stderr } = await nothingArrives(stage, async () =>
    ended(await stage.command('dora', words), EXIT.denied, /ahu2: out-of-scope/),
  );
  const [, id] = /decision (d-\S+)/.exec(stderr) ?? [];
  const rows = (await stage.journal()).map(({ row }) => row);
  const refusal = rows.find(({ kind, decision }) => kind === 'refusal' && decision === id);
  check(refusal?.who?.principal === 'dora', `expected Dora's refusal in the record, got ${JSON.stringify(refusal)}`);
}

async function lastRefusal(stage: Stage, reason: string): Promise<void> {
  const row = (await stage.journal()).findLast(({ row: { kind } }) => kind === 'refusal')?.row;
  const holds = row?.who?.principal === 'carla' && row.reason === reason;
  check(holds, `expected ${reason}, got ${JSON.stringify(row)}`);
}

function ended(result: CommandResult, code: number, words: RegExp): CommandResult {
  const said = `${result.stdout}${result.stderr}`.trim();
  check(result.code === code && words.test(said), `expected exit code ${code}, got ${result.code}: ${said}`);
  return result;
}

async function nothingArrives<T>(stage: Stage, act: () => Promise<T>): Promise<T> {
  const writes = (): number => stage.site.plant.writesSeen() + stage.site.bacnet.writesSeen();
  const before = writes();
  const result = await act();
  check(writes() === before, `${writes() - before} writes arrived at the devices, expected none`);
  return result;
}
