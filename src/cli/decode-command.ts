// `gatehouse decode HEX`: what a BACnet or Modbus frame says, what it would do, and what the gate would say to somebody.

import type { Command } from 'commander';
import type { DecodeBody, DecodedTarget, DecodeReply } from '../daemon/control-api.ts';
import { describeFault } from '../model/fault.ts';
import { recordedValue } from '../model/journal-row.ts';
import { askDaemon } from './control-client.ts';
import { type SocketOptions, socketOf, withSocket } from './daemon-commands.ts';
import { badInput, EXIT, type ExitCode, type Terminal } from './exit.ts';
import { mustReadSite, shippedDrivers } from './site-file.ts';

const MOST_OCTETS = 65_536;

interface DecodeOptions extends SocketOptions {
  readonly protocol?: string;
  readonly bundle?: string;
  readonly principal?: string;
  readonly device?: string;
  readonly json?: boolean;
}

export function addDecodeCommand(program: Command, terminal: Terminal): void {
  withSocket(program.command('decode').description('what a frame says, and what it would do').argument('<hex...>'))
    .option('--protocol <name>', 'bacnet or modbus; left out: whichever form the octets have')
    .option('--bundle <file>', 'judge by this bundle instead of the running gateway')
    .option('--principal <id>', 'whose verdict: a user, an application, or `anyone`')
    .option('--device <id>', 'the device it is for, where the frame does not say')
    .action(async (words: readonly string[], options: DecodeOptions) => {
      const hex = hexOf(words);
      const { protocol, principal, device } = options;
      const body: DecodeBody = {
        hex,
        ...(protocol !== undefined && { protocol }),
        ...(principal !== undefined && { principal }),
        ...(device !== undefined && { device }),
      };
      const reply = await answer(body, options);
      terminal.out(options.json ? JSON.stringify(reply) : replyText(reply, principal));
      terminal.setExit(exitOf(reply));
    });
}

/** Spaces, colons, dashes and `0x` are left out, as captures and logs have them. */
function hexOf(words: readonly string[]): string {
  const hex = words
    .join('')
    .replace(/0x|[\s:,-]/gi, '')
    .toLowerCase();
  if (!/^([0-9a-f]{2})+$/.test(hex))
    throw badInput(`got \`${words.join(' ').slice(0, 60)}\`, expected octets in hex, two digits each`);
  if (hex.length > 2 * MOST_OCTETS) throw badInput(`got ${hex.length / 2} octets, expected at most ${MOST_OCTETS}`);
  return hex;
}

/** A bundle file, else the running gateway where a principal or a socket was named, else the frame alone. */
async function answer(body: DecodeBody, options: DecodeOptions): Promise<DecodeReply> {
  const names = options.socket ?? process.env.GATEHOUSE_SOCKET ?? body.principal ?? body.device;
  if (options.bundle === undefined && names !== undefined)
    return askDaemon<DecodeReply>(await socketOf(options), 'POST', '/v1/decode', body);
  const { decodeFrameFor, previewGate } = await import('../daemon/decode-frame.ts');
  const modules = await shippedDrivers();
  const sections = options.config === undefined ? {} : (await mustReadSite(options.config)).drivers;
  const policy = options.bundle === undefined ? undefined : await policyOf(options.bundle, modules);
  const { hex, ...question } = body;
  const reply = decodeFrameFor(
    { octets: Buffer.from(hex, 'hex'), ...question },
    {
      modules,
      section: (name) => sections[name],
      ...(policy && { indexes: policy.indexes, inventory: policy.snapshot.inventory, gate: previewGate(policy) }),
    },
  );
  if (typeof reply === 'string') throw badInput(reply);
  return reply;
}

async function policyOf(file: string, modules: Awaited<ReturnType<typeof shippedDrivers>>) {
  const { readBundle } = await import('./bundle-file.ts');
  const bundle = await readBundle(file, modules);
  if (!bundle.ok) throw badInput(bundle.fault.map(describeFault).join('\n'));
  return bundle.value;
}

const KINDS: { readonly [kind in DecodeReply['kind']]: string } = {
  change: 'a change',
  read: 'a read',
  refused: 'refused, whoever sends it',
  'no-request': 'no request',
  malformed: 'malformed',
};

function replyText(reply: DecodeReply, principal: string | undefined): string {
  const { form, lines, kind, why, targets, remarks, verdict, text, reason } = reply;
  const out = [`${form}`, ...lines.map((line) => `  ${line}`), `${KINDS[kind]}${why === undefined ? '' : `: ${why}`}`];
  for (const target of targets) out.push(`  ${targetText(target)}`);
  for (const remark of remarks) out.push(`note: ${remark}`);
  if (verdict !== undefined) {
    const because = verdict === 'deny' ? `: ${[reason, text].filter((part) => part !== undefined).join(', ')}` : '';
    out.push(`${principal}: ${verdict}${because.replace(/: $/, '')}`);
  }
  return out.join('\n');
}

function targetText({ target, name, asks, value, priority, permitted, reason, text }: DecodedTarget): string {
  const parts = [
    `${target}${name === '' ? '' : ` (${name})`}: \`${asks}\``,
    value === undefined ? '' : ` value ${String(recordedValue(value))}`,
    priority === undefined ? '' : ` at priority ${priority}`,
  ];
  if (permitted === undefined) return parts.join('');
  return `${parts.join('')} → ${permitted ? 'permit' : `deny${reason === undefined ? '' : `: ${reason}`}${text === undefined ? '' : ` (${text})`}`}`;
}

function exitOf({ kind, verdict }: DecodeReply): ExitCode {
  if (kind === 'malformed') return EXIT.badInput;
  return verdict === 'deny' ? EXIT.denied : EXIT.done;
}
