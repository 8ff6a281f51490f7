// Fifty signed-in pages with live values on the compiled gateway (issue: at most 25 % of one core, Modbus latency at most
// 1.1 times what it is without them), and a search among 10 000 points. It prints, and says where a target was missed.

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openLargeSite, PASSWORD } from './large-site.ts';

const PAGES = Number(process.env.BENCH_PAGES ?? 50);
const POINTS = Number(process.env.BENCH_POINTS ?? 10_000);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 4);
const ROUND_MS = Number(process.env.BENCH_ROUND_MS ?? 5000);
/** Of each of the plant's three devices: what moves, so that every poll is told to every page. */
const SENSORS_EACH = 12;
const PEOPLE = 10;
const TICK_MS = 10;

const closers: (() => unknown)[] = [];
const folder = await mkdtemp(join(tmpdir(), 'gatehouse-bench-http-'));
closers.push(() => rm(folder, { recursive: true, force: true }));

const [role, clientPort, clientMs] = process.argv.slice(2);
try {
  if (role === 'client') process.stdout.write(JSON.stringify(await latencies(Number(clientPort), Number(clientMs))));
  else await measure();
} finally {
  for (const close of closers.reverse()) await close();
}

async function measure(): Promise<void> {
  const { port, modbus, pid, data } = await openLargeSite({
    folder,
    closers,
    points: POINTS,
    people: PEOPLE,
    origin: 'https://gateway.test',
  });
  const agentOf = (page: number) => ({
    ca: readFileSync(join(data, 'http.pem')),
    localAddress: `127.0.0.${10 + page}`,
  });
  const ask = (page: number, method: string, path: string, cookie = '', body?: object): Promise<IncomingMessage> =>
    new Promise((done, fail) => {
      const outgoing = request(
        {
          ...agentOf(page),
          host: '127.0.0.1',
          port,
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
  for (let page = 0; page < PAGES; page += 1) {
    const body = { login: `page${page % PEOPLE}`, password: PASSWORD };
    const answer = await ask(page, 'POST', '/api/v1/sign-in', '', body);
    const text = await textOf(answer);
    if (answer.statusCode !== 200) throw new Error(`sign-in ${page}: ${answer.statusCode} ${text}`);
    cookies.push(answer.headers['set-cookie']?.[0]?.split(';')[0] ?? '');
  }
  const first = cookies[0] ?? '';
  const ids: string[] = [];
  for (const device of ['ahu1', 'chiller1', 'meter1']) {
    const list: unknown = JSON.parse(
      await textOf(await ask(0, 'GET', `/api/v1/points?device=${device}&limit=100`, first)),
    );
    const { items } = list as { readonly items: readonly { readonly id: string; readonly class: string }[] };
    ids.push(...items.flatMap((point) => (point.class === 'sensor' ? [point.id] : [])).slice(0, SENSORS_EACH));
  }
  const query = `points=${encodeURIComponent(ids.map(encodeURIComponent).join(','))}`;

  let events = 0;
  async function openPages(): Promise<IncomingMessage[]> {
    const streams: IncomingMessage[] = [];
    for (const [page, cookie] of cookies.entries()) {
      const stream = await ask(page, 'GET', `/api/v1/live?${query}`, cookie);
      if (stream.statusCode !== 200) throw new Error(`live ${page}: ${stream.statusCode} ${await textOf(stream)}`);
      stream.on('data', (chunk: Buffer) => {
        events += chunk.toString().split('event: value').length - 1;
      });
      stream.on('error', () => {});
      streams.push(stream);
    }
    return streams;
  }

  const without: number[] = [];
  const beside: number[] = [];
  const idle = await cpuOver(pid, ROUND_MS);
  let shares = 0;
  let seen = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    without.push(...(await clientOf(modbus)));
    const streams = await openPages();
    await sleep(2500);
    events = 0;
    shares += (await cpuOver(pid, ROUND_MS)) / ROUNDS;
    seen += events;
    beside.push(...(await clientOf(modbus)));
    for (const stream of streams) stream.destroy();
    await sleep(200);
  }
  const [before, after] = [sorted(without), sorted(beside)];
  const times = (share: number): number => quantile(after, share) / quantile(before, share);
  const perSecond = Math.round((seen / (ROUNDS * ROUND_MS)) * 1000);
  print('pages with live values', `${PAGES} × ${ids.length} points, ${perSecond} values/s in all`);
  print('gateway CPU of one core', `${percent(shares)} with the pages, ${percent(idle)} idle (at most 25 %)`);
  for (const share of [0.5, 0.95]) {
    const figures = `${quantile(before, share).toFixed(3)} ms → ${quantile(after, share).toFixed(3)} ms`;
    print(`Modbus latency p${share * 100}`, `${figures}, ${times(share).toFixed(2)} × (at most 1.1)`);
  }
  const searches: number[] = [];
  for (let turn = 0; turn < 50; turn += 1) {
    const begun = performance.now();
    const answer = await ask(0, 'GET', `/api/v1/search?q=point%20${turn * 7}&limit=50`, first);
    const text = await textOf(answer);
    if (!text.includes('room')) throw new Error(`search: ${answer.statusCode} ${text}`);
    searches.push(performance.now() - begun);
  }
  const slow = sorted(searches);
  print(
    `search among ${POINTS} points`,
    `p50 ${quantile(slow, 0.5).toFixed(1)} ms, p95 ${quantile(slow, 0.95).toFixed(1)} ms, a new TLS connection each (at most 100 ms)`,
  );
  const missed = [shares > 0.25 && 'CPU', times(0.5) > 1.1 && 'Modbus latency', quantile(slow, 0.95) > 100 && 'search'];
  const words = missed.filter((each) => each !== false);
  print('missed', words.length === 0 ? 'nothing' : words.join(', '));
}

/** The Modbus client in a process of its own: what reads the pages' streams here is none of its business. */
async function clientOf(port: number): Promise<number[]> {
  const words = [fileURLToPath(import.meta.url), 'client', String(port), String(ROUND_MS)];
  const { stdout } = await promisify(execFile)(process.execPath, words, { maxBuffer: 1 << 28 });
  return JSON.parse(stdout) as number[];
}

/** One client that reads ten registers, the next as soon as the answer is there. */
async function latencies(port: number, ms: number): Promise<number[]> {
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

/** Processor time of a process as a share of one core. */
async function cpuOver(pid: number, ms: number): Promise<number> {
  const ticks = (): number => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return Number(fields[11]) + Number(fields[12]);
  };
  const [before, begun] = [ticks(), performance.now()];
  await sleep(ms);
  return ((ticks() - before) * TICK_MS) / (performance.now() - begun);
}

async function textOf(message: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of message.setEncoding('utf8')) text += chunk;
  return text;
}

function sorted(list: readonly number[]): number[] {
  return [...list].sort((a, b) => a - b);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function quantile(list: readonly number[], share: number): number {
  return list[Math.min(list.length - 1, Math.floor(list.length * share))] ?? Number.NaN;
}

function print(what: string, figures: string): void {
  process.stdout.write(`${what.padEnd(28)} ${figures}\n`);
}
