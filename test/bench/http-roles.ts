// The processes of the page's benchmark beside the gateway: the simulated plants, fifty pages, and one client of each protocol.
// Each runs alone, so that none has anything to do with what another costs.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { connect } from 'node:net';
import { startPlant as startBacnetPlant } from '../../simulators/bacnet/plant.ts';
import { startPlant } from '../../simulators/modbus/plant.ts';
import type { LargeSite, LargeSiteOptions, Place } from './large-site.ts';

/** Of each of the plants' devices: what moves, so that every poll is told to every page. */
const SENSORS_EACH = 12;
const DEVICES = ['ahu1', 'chiller1', 'meter1', 'ahu2'] as const;

export type Plants = NonNullable<LargeSiteOptions['plants']>;

/** Both, moving once a second. */
export async function runPlants(): Promise<Plants> {
  const modbus = await startPlant({ tickMs: 1000 });
  const bacnet = await startBacnetPlant({ tickMs: 1000 });
  const { chiller, ahu, meters } = modbus.lines;
  return {
    modbus: { chiller: placeOf(chiller), ahu: placeOf(ahu), meters: placeOf(meters) },
    bacnet: placeOf(bacnet.addresses.ahu2),
  };
}

const placeOf = ({ host, port }: Place): Place => ({ host, port });

export interface Pages {
  readonly points: number;
  open(): Promise<void>;
  /** Values heard since it was asked last. */
  heard(): number;
  close(): void;
  ask(path: string): Promise<{ readonly status: number; readonly text: string; readonly ms: number }>;
}

export interface PageOrder {
  readonly site: LargeSite;
  readonly pages: number;
  readonly people: number;
  readonly password: string;
}

/** Signed-in pages, each from an address of its own. */
export async function runPages({ site, pages, people, password }: PageOrder): Promise<Pages> {
  const ca = readFileSync(`${site.data}/http.pem`);
  const ask = (page: number, method: string, path: string, cookie = '', body?: object): Promise<IncomingMessage> =>
    new Promise((done, fail) => {
      const outgoing = request(
        {
          ca,
          localAddress: `127.0.0.${10 + page}`,
          host: '127.0.0.1',
          port: site.port,
          path,
          method,
          agent: false,
          servername: 'gateway.test',
          headers: {
            host: 'gateway.test',
            'user-agent': 'bench',
            'sec-fetch-site': 'same-origin',
            cookie,
            ...(body && { 'content-type': 'application/json' }),
          },
        },
        done,
      );
      outgoing.on('error', fail);
      outgoing.end(body && JSON.stringify(body));
    });

  const cookies: string[] = [];
  for (let page = 0; page < pages; page += 1) {
    const answer = await ask(page, 'POST', '/api/v1/sign-in', '', { login: `page${page % people}`, password });
    const text = await textOf(answer);
    if (answer.statusCode !== 200) throw new Error(`sign-in ${page}: ${answer.statusCode} ${text}`);
    cookies.push(answer.headers['set-cookie']?.[0]?.split(';')[0] ?? '');
  }
  const first = cookies[0] ?? '';
  const ids: string[] = [];
  for (const device of DEVICES) {
    const list = await textOf(await ask(0, 'GET', `/api/v1/points?device=${device}&limit=100`, first));
    const { items } = JSON.parse(list) as {
      readonly items: readonly { readonly id: string; readonly class: string }[];
    };
    ids.push(...items.flatMap((point) => (point.class === 'sensor' ? [point.id] : [])).slice(0, SENSORS_EACH));
  }
  const query = `points=${encodeURIComponent(ids.map(encodeURIComponent).join(','))}`;
  let streams: IncomingMessage[] = [];
  let heard = 0;
  return {
    points: ids.length,
    async open() {
      for (const [page, cookie] of cookies.entries()) {
        const stream = await ask(page, 'GET', `/api/v1/live?${query}`, cookie);
        if (stream.statusCode !== 200) throw new Error(`live ${page}: ${stream.statusCode} ${await textOf(stream)}`);
        stream.on('data', (chunk: Buffer) => {
          heard += chunk.toString().split('event: value').length - 1;
        });
        stream.on('error', () => {});
        streams.push(stream);
      }
    },
    heard() {
      const count = heard;
      heard = 0;
      return count;
    },
    close() {
      for (const stream of streams) stream.destroy();
      streams = [];
    },
    async ask(path) {
      const begun = performance.now();
      const answer = await ask(0, 'GET', path, first);
      const text = await textOf(answer);
      return { status: answer.statusCode ?? 0, text, ms: performance.now() - begun };
    },
  };
}

/** One client that reads two registers, the next as soon as the answer is there. Latencies in ms. */
export async function modbusLatencies(port: number, ms: number): Promise<number[]> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  await once(socket, 'connect');
  const frame = Buffer.from([0, 1, 0, 0, 0, 6, 1, 3, 0, 100, 0, 2]);
  const found: number[] = [];
  const end = performance.now() + ms;
  while (performance.now() < end) {
    const begun = performance.now();
    socket.write(frame);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    if (answer[7] !== 3) throw new Error(`a read was refused: ${answer.toString('hex')}`);
    found.push(performance.now() - begun);
  }
  socket.destroy();
  return found;
}

/** The same with ReadProperty of the air handler's first analog input, through the router. */
export async function bacnetLatencies(port: number, device: Place, network: number, ms: number): Promise<number[]> {
  const socket = createSocket('udp4');
  socket.bind({ address: '127.0.0.1', port: 0 });
  await once(socket, 'listening');
  const mac = [...device.host.split('.').map(Number), device.port >> 8, device.port & 0xff];
  const found: number[] = [];
  const end = performance.now() + ms;
  for (let turn = 0; performance.now() < end; turn += 1) {
    const apdu = [0x00, 0x05, turn & 0xff, 12, 0x0c, 0x00, 0x00, 0x00, 0x01, 0x19, 85];
    const frame = Buffer.from([0x81, 0x0a, 0, 0, 1, 0x24, 0, network, 6, ...mac, 255, ...apdu]);
    frame.writeUInt16BE(frame.length, 2);
    const begun = performance.now();
    socket.send(frame, port, '127.0.0.1');
    const lost = setTimeout(() => socket.emit('message'), 2000);
    let answer: Buffer | undefined;
    do {
      [answer] = (await once(socket, 'message')) as [Buffer | undefined];
      // BVLC 4, NPDU 2, network and MAC of the device 9: not an I-Am, and not an answer that came too late.
    } while (answer !== undefined && ((answer[15] ?? 0) >> 4 < 2 || answer[16] !== (turn & 0xff)));
    clearTimeout(lost);
    if (answer === undefined) continue;
    if ((answer[15] ?? 0) >> 4 !== 3) throw new Error(`a read was refused: ${answer.toString('hex')}`);
    found.push(performance.now() - begun);
  }
  socket.close();
  return found;
}

async function textOf(message: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of message.setEncoding('utf8')) text += chunk;
  return text;
}
