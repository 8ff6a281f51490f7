// The processes of the Modbus benchmark: devices that answer as fast as they can, a bare forwarder, and the gateway.
// Each runs alone and tells its ports to the one that measures.

import { connect, createServer, type Server, type Socket } from 'node:net';
import { driver } from '../../drivers/modbus/driver.ts';
import { siteBundle } from '../drivers/gate-stage.ts';
import { startBenched } from './gateway-core.ts';

export const DEVICES = 64;
/** The unit id of the one device that takes 16 requests at once. */
export const FAST = 65;
const POINTS = 100_000;
const POINTS_EACH = 100;

function listening(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
}

/** Calls `each` for every whole frame of a stream and once at the end of a chunk; keeps the rest. */
function frames(each: (frame: Buffer) => void, end: () => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (bytes.length - at >= 6 && bytes.length - at >= 6 + bytes.readUInt16BE(at + 4)) {
      const next = at + 6 + bytes.readUInt16BE(at + 4);
      each(bytes.subarray(at, next));
      at = next;
    }
    rest = bytes.subarray(at);
    end();
  };
}

/** Devices that read zeroes and echo single writes. */
export async function runDevices(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let number = 0; number < count; number += 1) {
    const server = createServer({ noDelay: true }, (socket) => {
      let out: Buffer[] = [];
      socket.on('error', () => socket.destroy());
      socket.on(
        'data',
        frames(
          (frame) => out.push(answerTo(frame)),
          () => {
            if (out.length > 0) socket.write(out.length === 1 && out[0] ? out[0] : Buffer.concat(out));
            out = [];
          },
        ),
      );
    });
    ports.push(await listening(server));
  }
  return ports;
}

function answerTo(frame: Buffer): Buffer {
  if (frame[7] === 6) return Buffer.from(frame);
  const octets = frame.readUInt16BE(10) * 2;
  const answer = Buffer.alloc(9 + octets);
  frame.copy(answer, 0, 0, 8);
  answer.writeUInt16BE(3 + octets, 4);
  answer[8] = octets;
  return answer;
}

/** Pipes each connection to one device. */
export async function runPipe(port: number): Promise<number[]> {
  const server = createServer({ noDelay: true }, (socket) => {
    const up = connect({ host: '127.0.0.1', port, noDelay: true });
    join2(socket, up);
    socket.on('data', (chunk) => up.write(chunk));
    up.on('data', (chunk) => socket.write(chunk));
  });
  return [await listening(server)];
}

/** The same for a device that takes `limit` requests at once: frames over it wait, first come first served. */
export async function runWindow(port: number, limit: number): Promise<number[]> {
  const waiting: { readonly up: Socket; readonly frame: Buffer }[] = [];
  let outstanding = 0;
  const server = createServer({ noDelay: true }, (socket) => {
    const up = connect({ host: '127.0.0.1', port, noDelay: true });
    join2(socket, up);
    socket.on(
      'data',
      frames((frame) => waiting.push({ up, frame }), send),
    );
    up.on(
      'data',
      frames(() => {
        outstanding -= 1;
      }, send),
    );
    up.on('data', (chunk) => socket.write(chunk));
  });
  const send = (): void => {
    const out = new Map<Socket, Buffer[]>();
    for (; outstanding < limit && waiting.length > 0; outstanding += 1) {
      const next = waiting.shift();
      if (next === undefined) break;
      const gathered = out.get(next.up);
      if (gathered === undefined) out.set(next.up, [next.frame]);
      else gathered.push(next.frame);
    }
    for (const [up, gathered] of out) up.write(Buffer.concat(gathered));
  };
  return [await listening(server)];
}

/** Passes each frame of a connection to the device of its unit id, as it came: the least that reaches 64 devices. */
export async function runFanOut(ports: readonly number[]): Promise<number[]> {
  const server = createServer({ noDelay: true }, (socket) => {
    const up = new Map<number, Socket>();
    const upstream = (unit: number): Socket => {
      const known = up.get(unit);
      if (known !== undefined) return known;
      const made = connect({ host: '127.0.0.1', port: ports[unit - 1] ?? 0, noDelay: true });
      join2(socket, made);
      made.on('data', (chunk) => socket.write(chunk));
      up.set(unit, made);
      return made;
    };
    socket.on(
      'data',
      frames(
        (frame) => upstream(frame[6] ?? 0).write(frame),
        () => undefined,
      ),
    );
  });
  return [await listening(server)];
}

function join2(a: Socket, b: Socket): void {
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    one.on('close', () => other.destroy());
    one.on('error', () => one.destroy());
  }
}

function bundle(): object {
  const device = (id: string, line: string) => ({
    id,
    name: id,
    location: 'hq',
    address: { modbus: { line, unit: 1 } },
  });
  const named = Array.from({ length: FAST }, (_, number) => device(`d${number + 1}`, `l${number + 1}`));
  const others = Array.from({ length: POINTS / POINTS_EACH - FAST }, (_, number) => device(`x${number}`, `y${number}`));
  const devices = [...named, ...others];
  const points = devices.flatMap(({ id }) =>
    Array.from({ length: POINTS_EACH }, (_, register) => ({
      id: `${id}/r${register}`,
      name: `Register ${register}`,
      device: id,
      class: 'set-point',
      limits: { min: 0, max: 60_000 },
      address: { table: 'holding', register, type: 'uint16' },
    })),
  );
  return siteBundle({
    applications: [{ id: 'bms', name: 'Station', home: 'acme' }],
    devices,
    points,
    roles: [{ id: 'operator', name: 'Operator', permissions: ['point.read', 'point.write'] }],
    grants: [{ to: 'application:bms', role: 'operator', at: 'hq' }],
  });
}

/** The driver with the real gate, policy and journal, in front of the devices' ports. */
export async function runGateway(ports: readonly number[]): Promise<number[]> {
  const lines = ports.map((port, number) => [
    `l${number + 1}`,
    { tcp: { host: '127.0.0.1', port }, ...(number + 1 === FAST && { inFlight: 16 }) },
  ]);
  const running = await startBenched(driver, bundle(), '127.0.0.1', {
    listen: [{ name: 'north', address: '127.0.0.1', port: 0 }],
    lines: Object.fromEntries(lines),
    units: ports.map((_, number) => ({ unit: number + 1, device: `d${number + 1}` })),
  });
  return running.status().listening.map(({ port }) => port);
}
