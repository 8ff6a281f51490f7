// What the gate costs a Modbus client: FC 3 × 10 registers with a policy of 100 000 points, through the gateway and through a bare
// Node TCP forwarder, in turns within one run; then durable, audited writes, and reads beside them. It prints and judges nothing.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { DEVICES, FAST, runDevices, runFanOut, runGateway, runPipe, runWindow } from './modbus-roles.ts';

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const ROUND_MS = Number(process.env.BENCH_ROUND_MS ?? 1000);

const roles: { readonly [role: string]: (ports: readonly number[]) => Promise<number[]> } = {
  devices: ([count = 1]) => runDevices(count),
  pipe: ([port = 0]) => runPipe(port),
  window: ([port = 0, limit = 1]) => runWindow(port, limit),
  fanOut: runFanOut,
  gateway: runGateway,
};

interface Figures {
  readonly latencies: number[];
  answers: number;
  ms: number;
  refused: number;
}

const newFigures = (): Figures => ({ latencies: [], answers: 0, ms: 0, refused: 0 });

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** One connection that keeps `units.length` requests in flight, one for each unit id in the list. */
class Load {
  readonly #socket: Socket;
  readonly #units: readonly number[];
  readonly #pdu: (turn: number) => Buffer;
  readonly #begun: number[] = [];
  #rest: Buffer = Buffer.alloc(0);
  #figures: Figures | undefined;
  #turn = 0;
  #running = 0;
  #idle: (() => void) | undefined;

  private constructor(socket: Socket, units: readonly number[], pdu: (turn: number) => Buffer) {
    this.#socket = socket;
    this.#units = units;
    this.#pdu = pdu;
    socket.on('data', (chunk) => this.#take(chunk));
  }

  static async open(port: number, units: readonly number[], pdu: (turn: number) => Buffer): Promise<Load> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    await once(socket, 'connect');
    return new Load(socket, units, pdu);
  }

  start(figures: Figures): void {
    this.#figures = figures;
    this.#socket.write(Buffer.concat(this.#units.map((_, slot) => this.#request(slot))));
  }

  /** Sends nothing new and waits for what is in flight. */
  finish(): Promise<void> {
    this.#figures = undefined;
    return this.#running === 0 ? Promise.resolve() : new Promise((resolve) => (this.#idle = resolve));
  }

  close(): void {
    this.#socket.destroy();
  }

  #request(slot: number): Buffer {
    this.#turn += 1;
    this.#running += 1;
    const pdu = this.#pdu(this.#turn);
    const frame = Buffer.alloc(7 + pdu.length);
    frame.writeUInt16BE(slot, 0);
    frame.writeUInt16BE(pdu.length + 1, 4);
    frame[6] = this.#units[slot] ?? 0;
    pdu.copy(frame, 7);
    this.#begun[slot] = performance.now();
    return frame;
  }

  #take(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const now = performance.now();
    const out: Buffer[] = [];
    let at = 0;
    while (bytes.length - at >= 6 && bytes.length - at >= 6 + bytes.readUInt16BE(at + 4)) {
      const slot = bytes.readUInt16BE(at);
      this.#running -= 1;
      const figures = this.#figures;
      if (figures !== undefined) {
        figures.answers += 1;
        if (((bytes[at + 7] ?? 0) & 0x80) !== 0) figures.refused += 1;
        figures.latencies.push(now - (this.#begun[slot] ?? now));
        out.push(this.#request(slot));
      }
      at += 6 + bytes.readUInt16BE(at + 4);
    }
    this.#rest = bytes.subarray(at);
    if (out.length > 0) this.#socket.write(Buffer.concat(out));
    if (this.#running === 0) this.#idle?.();
  }
}

const read = Buffer.from('030000000a', 'hex');
function write(turn: number): Buffer {
  const pdu = Buffer.from('0600000000', 'hex');
  pdu.writeUInt16BE(turn % 60_000, 3);
  return pdu;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function round(loads: readonly Load[], figures: Figures, ms = ROUND_MS): Promise<void> {
  const began = performance.now();
  for (const load of loads) load.start(figures);
  await sleep(ms);
  figures.ms += performance.now() - began;
  await Promise.all(loads.map((load) => load.finish()));
}

/** Which units each connection asks: all in flight at once. */
type Shape = readonly (readonly number[])[];

const one = (unit: number): Shape => [[unit]];
const eight = (unit: (connection: number, slot: number) => number): Shape =>
  Array.from({ length: 8 }, (_, connection) => Array.from({ length: 8 }, (__, slot) => unit(connection, slot)));

function open(port: number, shape: Shape, pdu: (turn: number) => Buffer): Promise<Load[]> {
  return Promise.all(shape.map((units) => Load.open(port, units, pdu)));
}

function line(name: string, figures: Figures): { p50: number; p99: number; rate: number } {
  const sorted = figures.latencies.sort((a, b) => a - b);
  const result = {
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    rate: (figures.answers * 1000) / figures.ms,
  };
  const refused = figures.refused > 0 ? `  REFUSED ${figures.refused}` : '';
  console.log(
    `  ${name.padEnd(10)} p50 ${result.p50.toFixed(3)} ms  p99 ${result.p99.toFixed(3)} ms  ${Math.round(result.rate)}/s${refused}`,
  );
  return result;
}

async function compare(title: string, gateway: number, forwarder: number, shape: Shape): Promise<void> {
  console.log(title);
  const sides = [
    { loads: await open(forwarder, shape, () => read), figures: newFigures() },
    { loads: await open(gateway, shape, () => read), figures: newFigures() },
  ] as const;
  for (const { loads } of sides) await round(loads, newFigures());
  for (let turn = 0; turn < ROUNDS; turn += 1) for (const { loads, figures } of sides) await round(loads, figures);
  const bare = line('forwarder', sides[0].figures);
  const gated = line('gateway', sides[1].figures);
  console.log(
    `  ratio      p50 ${(gated.p50 / bare.p50).toFixed(2)} ×  p99 ${(gated.p99 / bare.p99).toFixed(2)} ×  throughput ${(gated.rate / bare.rate).toFixed(2)} ×`,
  );
  for (const { loads } of sides) for (const load of loads) load.close();
}

async function writes(port: number): Promise<void> {
  console.log('durable, audited writes (FC 6; old value read, intent on disk, written, outcome)');
  for (const [name, shape] of [
    ['1 in flight', one(1)],
    ['64 in flight', eight((connection, slot) => connection * 8 + slot + 1)],
  ] as const) {
    const loads = await open(port, shape, write);
    await round(loads, newFigures(), 300);
    const figures = newFigures();
    await round(loads, figures, ROUND_MS * 3);
    line(name, figures);
    for (const load of loads) load.close();
  }
}

/** 1 000 writes a second by one connection, in tens. */
async function pacedWrites(port: number): Promise<() => Promise<number>> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  await once(socket, 'connect');
  let answered = 0;
  let turn = 0;
  socket.on('data', (chunk) => {
    answered += chunk.length / 12;
  });
  const timer = setInterval(() => {
    const frames = Array.from({ length: 10 }, () => {
      turn += 1;
      const frame = Buffer.concat([Buffer.from([0, 0, 0, 0, 0, 6, 33 + (turn % 32)]), write(turn)]);
      frame.writeUInt16BE(turn & 0xffff, 0);
      return frame;
    });
    socket.write(Buffer.concat(frames));
  }, 10);
  return async () => {
    clearInterval(timer);
    await sleep(200);
    socket.destroy();
    return answered;
  };
}

async function readsBesideWrites(port: number): Promise<void> {
  console.log('reads (8 connections × 1) alone, then while 1 000 writes/s go on to other devices');
  const shape = Array.from({ length: 8 }, (_, connection) => [connection + 1]);
  const loads = await open(port, shape, () => read);
  const alone = newFigures();
  await round(loads, newFigures(), 300);
  await round(loads, alone, ROUND_MS * 2);
  line('alone', alone);
  const stop = await pacedWrites(port);
  const beside = newFigures();
  const began = performance.now();
  await round(loads, beside, ROUND_MS * 3);
  const answered = await stop();
  line('beside', beside);
  console.log(`  writes answered: ${Math.round((answered * 1000) / (performance.now() - began))}/s`);
  for (const load of loads) load.close();
}

const children: ChildProcess[] = [];

async function child(role: string, ...words: readonly number[]): Promise<number[]> {
  const [, file = ''] = process.argv;
  const started = fork(file, [role, ...words.map(String)]);
  children.push(started);
  const [ports] = (await once(started, 'message')) as [number[]];
  return ports;
}

async function measure(): Promise<void> {
  const half = DEVICES / 2;
  const slow = [...(await child('devices', half)), ...(await child('devices', half))];
  const [fast = 0] = await child('devices', 1);
  const [gateway = 0] = await child('gateway', ...slow, fast);
  const [pipe = 0] = await child('pipe', fast);
  const [window = 0] = await child('window', fast, 16);
  const [fanOut = 0] = await child('fanOut', ...slow);
  const over64 = eight((connection, slot) => connection * 8 + slot + 1);
  await compare('1 connection × 1 in flight, one device', gateway, pipe, one(FAST));
  const overOne = eight(() => FAST);
  await compare('8 × 8 over one device with inFlight 16, forwarder bound to 16 too', gateway, window, overOne);
  await compare('8 × 8 over one device, gateway bound to 16, forwarder to nothing', gateway, pipe, overOne);
  await compare('8 × 8 over 64 devices, one in flight each', gateway, fanOut, over64);
  await writes(gateway);
  await readsBesideWrites(gateway);
}

const [, , role, ...words] = process.argv;
const run = role === undefined ? undefined : roles[role];
if (run !== undefined) {
  process.send?.(await run(words.map(Number)));
  process.on('disconnect', () => process.exit(0));
} else {
  try {
    await measure();
  } finally {
    for (const started of children) started.kill();
  }
}
