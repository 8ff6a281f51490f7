// ─► device: every line of the site with its lane, and nothing of who may use them.

import type { Timers } from '../../src/contract/clock.ts';
import type { LineConfig, ModbusSection } from './config.ts';
import { Lane } from './lane.ts';
import type { Line } from './line.ts';
import { type LineServices, serialStream, tcpStream } from './link.ts';
import { RtuLine, type RtuSettings, silenceOf } from './rtu-line.ts';
import { TcpLine } from './tcp-line.ts';

/** A line and the order in which it is spoken to. */
export interface Track {
  readonly line: Line;
  readonly lane: Lane;
  /** Of a serial line: the port of this machine. */
  readonly port?: string;
}

const waiting = 512;
const waitingPerPeer = 128;

export function makeTracks(lines: ModbusSection['lines'], services: LineServices): ReadonlyMap<string, Track> {
  return new Map(Object.entries(lines).map(([name, config]) => [name, makeTrack(name, config, services)]));
}

function makeTrack(name: string, config: LineConfig, services: LineServices): Track {
  const inFlight = 'tcp' in config ? config.inFlight : 1;
  const longestWaitMs = Math.max(2000, config.timeoutMs * 2);
  const lane = new Lane({ inFlight, waiting, waitingPerPeer, longestWaitMs }, () => services.clock.monotonic());
  const port = 'serial' in config ? { port: config.serial.path } : {};
  return { lane, line: makeLine(name, config, services), ...port };
}

function makeLine(name: string, config: LineConfig, services: LineServices): Line {
  if ('tcp' in config) return new TcpLine(name, config, services);
  return new RtuLine(name, rtuSettings(config, services.timers), services);
}

function rtuSettings(config: Exclude<LineConfig, { readonly tcp: unknown }>, timers: Timers): RtuSettings {
  const { timeoutMs, turnaroundMs, retries } = config;
  if ('serial' in config) {
    const silenceMs = silenceOf(config.serial.baudRate);
    return { openStream: serialStream(config.serial), timeoutMs, turnaroundMs, retries, silenceMs, reconnects: false };
  }
  const { host, port } = config.rtuOverTcp;
  const openStream = tcpStream(host, port, config.connectTimeoutMs, timers);
  return { openStream, timeoutMs, turnaroundMs, retries, silenceMs: 0, reconnects: true };
}
