// A Modbus/TCP host: one device, or several units behind one address as a serial gateway has them.

import { Conversation } from './conversation.ts';
import { type ReplyPath, SimulatedDevice } from './device.ts';
import { onTheWire } from './failures.ts';
import { type MbapFrame, type MbapFraming, splitMbap, wrapMbap } from './framing.ts';
import { EXCEPTION, exceptionPdu } from './functions.ts';
import { type ConnectionHandler, type ListenOptions, listen } from './listener.ts';

interface TcpHostOptions extends ListenOptions {
  /** One device, which takes every unit id for its own as many do, or the devices by unit id (1 to 247). */
  readonly units: SimulatedDevice | ReadonlyMap<number, SimulatedDevice>;
  /** Default `by-length`. */
  readonly framing?: MbapFraming;
  /** What a unit id that is not there gets: default exception 0B. */
  readonly unknownUnit?: 'exception' | 'silence';
  readonly now?: () => number;
}

export interface TcpHost {
  readonly host: string;
  readonly port: number;
  readonly conversation: Conversation;
  stop(): Promise<void>;
  dropConnections(): void;
}

/** Starts the host. `stop` ends delayed answers of its devices as well. */
export async function startTcpHost(options: TcpHostOptions): Promise<TcpHost> {
  const conversation = new Conversation(options.now);
  const { units } = options;
  const single = units instanceof SimulatedDevice ? units : undefined;
  const devices = units instanceof SimulatedDevice ? [units] : [...units.values()];
  const deviceOf = (unit: number): SimulatedDevice | undefined =>
    units instanceof SimulatedDevice ? units : units.get(unit);

  const listener = await listen(options, conversation, (socket, peer): ConnectionHandler => {
    let pending: Buffer = Buffer.alloc(0);
    const pathFor = (frame: MbapFrame): ReplyPath => ({
      close: () => socket.destroy(),
      send: (reply) => {
        if (socket.destroyed) return;
        const transaction = (frame.transaction + (reply.transactionShift ?? 0)) & 0xffff;
        const bytes = onTheWire(reply, wrapMbap(transaction, reply.unit ?? frame.unit, reply.pdu));
        conversation.add(peer, 'out', bytes);
        socket.write(bytes);
      },
    });
    const take = (frame: MbapFrame): void => {
      const path = pathFor(frame);
      if (single === undefined && frame.unit === 0) {
        for (const device of devices) device.receive({ peer, ...frame }, { ...path, send: () => undefined });
        return;
      }
      const device = deviceOf(frame.unit);
      if (device !== undefined) device.receive({ peer, ...frame }, path);
      else if (options.unknownUnit !== 'silence') {
        path.send({ pdu: exceptionPdu(frame.pdu.readUInt8(0), EXCEPTION.gatewayTargetFailed) });
      }
    };
    const junk = (bytes: Buffer): void => {
      if (bytes.length > 0) for (const device of devices) device.receiveJunk(peer, bytes);
    };
    return {
      data: (chunk) => {
        const split = splitMbap(Buffer.concat([pending, chunk]), options.framing ?? 'by-length');
        pending = split.rest;
        for (const frame of split.frames) take(frame);
        if (split.junk.length === 0) return;
        junk(split.junk);
        socket.destroy();
      },
      end: () => {
        junk(pending);
        pending = Buffer.alloc(0);
      },
    };
  });
  return {
    host: listener.host,
    port: listener.port,
    conversation,
    dropConnections: listener.dropConnections,
    stop: async () => {
      for (const device of devices) device.stop();
      await listener.stop();
    },
  };
}
