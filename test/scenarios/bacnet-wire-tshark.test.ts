// Every frame the BACnet codec writes, judged by tshark: recognised as what it is, not malformed, no expert error.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Apdu, encodeApdu } from '../../drivers/bacnet/wire/apdu.ts';
import { type Bvlc, encodeBvlc } from '../../drivers/bacnet/wire/bvlc.ts';

import type { NetworkMessage } from '../../drivers/bacnet/wire/network-message.ts';
import { encodeNpdu, type Npdu } from '../../drivers/bacnet/wire/npdu.ts';
import { splitApdu } from '../../drivers/bacnet/wire/segmentation.ts';
import { encodeService } from '../drivers/bacnet/wire/encode-service.ts';
import { hex } from '../drivers/bacnet/wire/octets.ts';
import { SERVICE_ROWS } from '../drivers/bacnet/wire/service-rows.ts';
import { have, run } from './peers/program.ts';

interface Sent {
  readonly name: string;
  readonly datagram: Uint8Array;
}

const peer = { address: [127, 0, 0, 2], port: 47_808 } as const;

function sent(name: string, npdu: Npdu): Sent {
  return { name, datagram: encodeBvlc({ function: 'original-unicast-npdu', npdu: encodeNpdu(npdu) }) };
}

function carried(name: string, apdu: Apdu): Sent {
  const expectingReply = apdu.type === 'confirmed-request';
  return sent(name, { expectingReply, priority: 0, payload: { kind: 'apdu', apdu: encodeApdu(apdu) } });
}

/** Without the rows whose parameters are made up, because the codec does not read them. */
const REAL_ROWS = SERVICE_ROWS.filter(
  ({ clause, service }) => clause !== 'unread' && service.value.service !== 'unknown',
);

function services(): readonly Sent[] {
  return REAL_ROWS.map(({ clause, service }) => {
    const parts = encodeService(service);
    const apdu: Apdu =
      service.kind === 'confirmed-request'
        ? {
            type: service.kind,
            invokeId: 1,
            segmentedResponseAccepted: true,
            maxSegments: 16,
            maxApduLength: 1476,
            ...parts,
          }
        : service.kind === 'unconfirmed-request'
          ? { type: service.kind, ...parts }
          : { type: service.kind, invokeId: 1, ...parts };
    return carried(`${clause} ${service.kind} ${service.value.service}`, apdu);
  });
}

function headers(): readonly Sent[] {
  const apdus: readonly Apdu[] = [
    { type: 'simple-ack', invokeId: 1, serviceChoice: 15 },
    { type: 'segment-ack', negative: true, server: true, invokeId: 1, sequenceNumber: 0, actualWindowSize: 16 },
    { type: 'reject', invokeId: 1, reason: 9 },
    { type: 'abort', server: true, invokeId: 1, reason: 4 },
  ];
  return apdus.map((apdu) => carried(apdu.type, apdu));
}

function segments(): readonly Sent[] {
  const row = SERVICE_ROWS.find(({ clause }) => clause === '14.2 stream');
  if (row === undefined) throw new Error('no row for AtomicWriteFile');
  const apdu = {
    type: 'confirmed-request',
    invokeId: 77,
    segmentedResponseAccepted: true,
    maxSegments: 16,
    maxApduLength: 480,
    ...encodeService(row.service),
  } as const;
  const cut = splitApdu<Extract<Apdu, { type: 'confirmed-request' }>>(apdu, {
    maxApduLength: 480,
    maxSegments: 16,
    proposedWindowSize: 4,
  });
  if (!cut.ok) throw new Error(cut.fault);
  return cut.value.map((segment) => carried(`segment ${segment.segment?.sequenceNumber}`, segment));
}

function networkMessages(): readonly Sent[] {
  const ports = [{ network: 1, portId: 1, info: hex('') }];
  const messages: readonly NetworkMessage[] = [
    { type: 'who-is-router-to-network' },
    { type: 'who-is-router-to-network', network: 5 },
    { type: 'i-am-router-to-network', networks: [1, 2001] },
    { type: 'i-could-be-router-to-network', network: 1, performanceIndex: 2 },
    { type: 'reject-message-to-network', reason: 1, network: 9 },
    { type: 'router-busy-to-network', networks: [1] },
    { type: 'router-available-to-network', networks: [1] },
    { type: 'initialize-routing-table', ports: [] },
    { type: 'initialize-routing-table-ack', ports },
    { type: 'establish-connection-to-network', network: 1, terminationMinutes: 5 },
    { type: 'disconnect-connection-to-network', network: 1 },
    { type: 'what-is-network-number' },
    { type: 'network-number-is', network: 2001, configured: true },
  ];
  const source = { network: 5, mac: hex('c0a8010abac0') };
  return messages.map((message) =>
    sent(message.type, { expectingReply: false, priority: 0, source, payload: { kind: 'network-message', message } }),
  );
}

function links(): readonly Sent[] {
  const npdu = encodeNpdu({ expectingReply: false, priority: 0, payload: { kind: 'apdu', apdu: hex('1008') } });
  const functions: readonly Bvlc[] = [
    { function: 'result', result: 'distribute-broadcast-to-network-nak' },
    { function: 'write-broadcast-distribution-table', entries: [{ ...peer, mask: [255, 255, 255, 0] }] },
    { function: 'read-broadcast-distribution-table' },
    { function: 'read-broadcast-distribution-table-ack', entries: [{ ...peer, mask: [255, 255, 255, 255] }] },
    { function: 'forwarded-npdu', origin: peer, npdu },
    { function: 'register-foreign-device', timeToLive: 60 },
    { function: 'read-foreign-device-table' },
    { function: 'read-foreign-device-table-ack', entries: [{ ...peer, timeToLive: 60, remaining: 90 }] },
    { function: 'delete-foreign-device-table-entry', entry: peer },
    { function: 'distribute-broadcast-to-network', npdu },
    { function: 'original-broadcast-npdu', npdu },
  ];
  return functions.map((bvlc) => ({ name: bvlc.function, datagram: encodeBvlc(bvlc) }));
}

/** One line a frame: number, protocols, malformed, expert severities, error class, summary. */
async function dissect(frames: readonly Sent[]): Promise<readonly (readonly string[])[]> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-bacnet-'));
  try {
    const dump = frames.map(({ datagram }) => {
      const octets = [...datagram].map((octet) => octet.toString(16).padStart(2, '0'));
      return `000000 ${octets.join(' ')}\n`;
    });
    await writeFile(join(folder, 'frames.txt'), dump.join('\n'));
    const capture = join(folder, 'frames.pcap');
    const made = await run('text2pcap', ['-q', '-u', '47808,47808', join(folder, 'frames.txt'), capture]);
    if (made.code !== 0) throw new Error(made.stderr);
    const fields = [
      'frame.number',
      'frame.protocols',
      '_ws.malformed',
      '_ws.expert.severity',
      'bacapp.error_class',
      '_ws.col.Info',
    ];
    const read = await run('tshark', ['-r', capture, '-T', 'fields', ...fields.flatMap((field) => ['-e', field])]);
    if (read.code !== 0) throw new Error(read.stderr);
    return read.stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split('\t'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const ERROR_SEVERITY = 8_388_608;
const missing = ['tshark', 'text2pcap'].filter((program) => !have(program));
if (missing.length > 0)
  console.warn(`tshark as judge of BACnet frames: skipped, \`${missing.join('`, `')}\` not found`);

function faultsOf(frames: readonly Sent[], lines: readonly (readonly string[])[]): readonly string[] {
  return lines.flatMap(([number, protocols = '', malformed = '', severities = '', , info = '']) => {
    const name = frames[Number(number) - 1]?.name ?? '';
    const worst = Math.max(0, ...severities.split(',').map(Number));
    const isWrong = malformed !== '' || protocols.includes('_ws.malformed') || worst >= ERROR_SEVERITY;
    return isWrong || !protocols.includes('bvlc') ? [`${name}: ${protocols} ${severities} ${info}`] : [];
  });
}

describe.skipIf(missing.length > 0)('what the codec writes, as tshark reads it', () => {
  it('is well-formed, every frame', async () => {
    const frames = [...services(), ...headers(), ...segments(), ...networkMessages(), ...links()];
    const lines = await dissect(frames);
    expect(lines).toHaveLength(frames.length);
    expect(faultsOf(frames, lines)).toEqual([]);
  });

  it('shows the class of every error, but of a plain one where the service has a form of its own', async () => {
    const frames = services().filter(({ name }) => name.includes(' error '));
    const lines = await dissect(frames);
    expect(lines.map(([, , , , errorClass]) => errorClass)).toEqual(
      frames.map(({ name }) => (name.startsWith('21 plain') ? '' : '2')),
    );
  });

  it('is not well-formed when cut off: the judge can say no', async () => {
    const [first] = services();
    if (first === undefined) throw new Error('no frames');
    const datagram = first.datagram.slice(0, -3);
    datagram[3] = datagram.length;
    const frames = [{ name: 'cut off', datagram }];
    expect(faultsOf(frames, await dissect(frames))).toHaveLength(1);
  });
});
