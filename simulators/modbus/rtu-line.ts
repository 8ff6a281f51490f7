// A serial line of simulated devices, RTU framed: over TCP as a terminal server has it, or on a serial path.
// 1. Unit 0 is a broadcast: every device of the line carries it out, none answers.
// 2. A unit that is not there, and a frame with a wrong CRC, get silence.

import { SerialPort } from 'serialport';
import { afterAwake } from '../awake-time.ts';
import { Conversation } from './conversation.ts';
import type { ReplyPath, SimulatedDevice } from './device.ts';
import { onTheWire } from './failures.ts';
import { type RtuFrame, splitRtu, wrapRtu } from './framing.ts';
import { type ConnectionHandler, type ListenOptions, listen } from './listener.ts';

interface RtuLineOptions {
  /** The devices by unit id, 1 to 247. */
  readonly units: ReadonlyMap<number, SimulatedDevice>;
  /** Silence after which an incomplete frame is given up; default 200 ms (a stream has no t3.5). */
  readonly silenceMs?: number;
  readonly now?: () => number;
}

interface RtuLine {
  readonly conversation: Conversation;
  stop(): Promise<void>;
}

export interface RtuOverTcpLine extends RtuLine {
  readonly host: string;
  readonly port: number;
  dropConnections(): void;
}

interface Wire {
  readonly write: (bytes: Buffer) => void;
  readonly close: () => void;
}

function attach(options: RtuLineOptions, conversation: Conversation, peer: string, wire: Wire): ConnectionHandler {
  let pending: Buffer = Buffer.alloc(0);
  let silence: { cancel(): void } | undefined;
  const pathFor = (unit: number): ReplyPath => ({
    close: wire.close,
    send: (reply) => {
      const frame = wrapRtu(reply.unit ?? unit, reply.pdu);
      if (reply.breakCrc) frame.writeUInt8(frame.readUInt8(frame.length - 1) ^ 0xff, frame.length - 1);
      const bytes = onTheWire(reply, frame);
      conversation.add(peer, 'out', bytes);
      wire.write(bytes);
    },
  });
  const take = (frame: RtuFrame): void => {
    if (frame.unit === 0) {
      const mute: ReplyPath = { close: wire.close, send: () => undefined };
      for (const device of options.units.values()) device.receive({ peer, ...frame }, mute);
      return;
    }
    options.units.get(frame.unit)?.receive({ peer, ...frame }, pathFor(frame.unit));
  };
  const junk = (bytes: Buffer): void => {
    pending = Buffer.alloc(0);
    if (bytes.length > 0) for (const device of options.units.values()) device.receiveJunk(peer, bytes);
  };
  return {
    data: (chunk) => {
      silence?.cancel();
      const split = splitRtu(Buffer.concat([pending, chunk]));
      pending = split.rest;
      for (const frame of split.frames) take(frame);
      if (split.junk.length > 0) junk(split.junk);
      else if (pending.length > 0) silence = afterAwake(options.silenceMs ?? 200, () => junk(pending));
    },
    end: () => {
      silence?.cancel();
      junk(pending);
    },
  };
}

function stopDevices(options: RtuLineOptions): void {
  for (const device of options.units.values()) device.stop();
}

/** RTU frames in a TCP stream, without MBAP header. */
export async function startRtuOverTcp(options: RtuLineOptions & ListenOptions): Promise<RtuOverTcpLine> {
  const conversation = new Conversation(options.now);
  const listener = await listen(options, conversation, (socket, peer) =>
    attach(options, conversation, peer, {
      write: (bytes) => {
        if (!socket.destroyed) socket.write(bytes);
      },
      close: () => socket.destroy(),
    }),
  );
  return {
    host: listener.host,
    port: listener.port,
    conversation,
    dropConnections: listener.dropConnections,
    stop: async () => {
      stopDevices(options);
      await listener.stop();
    },
  };
}

/** RTU on a serial path, 8 data bits, no parity, 1 stop bit. The path may be one end of a pseudo-terminal pair. */
export async function startRtuSerial(
  options: RtuLineOptions & { readonly path: string; readonly baudRate?: number },
): Promise<RtuLine> {
  const conversation = new Conversation(options.now);
  const port = new SerialPort({ path: options.path, baudRate: options.baudRate ?? 19_200, autoOpen: false });
  const handler = attach(options, conversation, options.path, {
    write: (bytes) => port.write(bytes),
    close: () => undefined,
  });
  port.on('data', (chunk: Buffer) => {
    conversation.add(options.path, 'in', chunk);
    handler.data(chunk);
  });
  port.on('error', () => undefined);
  await new Promise<void>((resolve, reject) => port.open((fault) => (fault ? reject(fault) : resolve())));
  conversation.connected();
  return {
    conversation,
    stop: async () => {
      stopDevices(options);
      handler.end();
      if (port.isOpen) await new Promise<void>((resolve) => port.close(() => resolve()));
    },
  };
}
