// The driver's section of the site's configuration: listeners, lines, which north unit is which device, named functions.
// One zod definition: parsing and the editors' JSON Schema come from it.

import { z } from 'zod';
import { CHANGING_ACTIONS } from '../../src/model/action.ts';

const address = z.union([z.ipv4(), z.ipv6()], { error: 'an IPv4 or IPv6 address' });
const name = z.string().regex(/^[A-Za-z0-9_.~-]{1,64}$/, { error: 'a name of A-Z a-z 0-9 _ . ~ -, at most 64 long' });
const file = z.string().min(1);
const timeoutMs = z
  .number()
  .int()
  .min(20)
  .max(60_000)
  .describe('How long a device may take to answer, in ms; after it the client gets exception 0B');
const connectTimeoutMs = z.number().int().min(20).max(60_000).default(2000);
const host = z.strictObject({
  host: z.string().min(1).max(253).describe('Address or name of the host'),
  port: z.number().int().min(1).max(65_535).default(502),
});
const turnaroundMs = z
  .number()
  .int()
  .min(0)
  .max(10_000)
  .default(100)
  .describe('Silence after a broadcast, so that every device has carried it out');
const retries = z.number().int().min(0).max(5).default(1).describe('How often a read, never a change, is sent again');

const listener = z.strictObject({
  name,
  address: address.default('0.0.0.0'),
  port: z.number().int().min(0).max(65_535).default(502).describe('0: chosen by the system'),
  tls: z
    .strictObject({
      certificateFile: file.describe('The listener’s own certificate, PEM'),
      keyFile: file,
      caFile: file.describe('Who may have signed a client’s certificate'),
      crlFile: file.optional().describe('Revocation list, PEM; read again when it changes'),
    })
    .optional()
    .describe('Modbus/TCP Security (port 802): TLS 1.2 or better, both sides show a certificate'),
  maxConnections: z.number().int().min(1).max(1024).default(64),
  maxConnectionsPerPeer: z.number().int().min(1).max(1024).default(16),
  maxPending: z.number().int().min(1).max(256).default(32).describe('Frames of one connection that wait for an answer'),
  idleSeconds: z.number().positive().max(86_400).default(300),
});

const tcpLine = z.strictObject({
  tcp: host,
  kind: z
    .enum(['device', 'units'])
    .default('device')
    .describe(
      '`device`: the host is one device, whatever the unit id; `units`: it carries several, told apart by unit id',
    ),
  inFlight: z.number().int().min(1).max(16).default(1).describe('Requests the device takes at the same time'),
  timeoutMs: timeoutMs.default(1000),
  connectTimeoutMs,
});
const rtuOverTcpLine = z.strictObject({
  rtuOverTcp: host,
  timeoutMs: timeoutMs.default(1000),
  connectTimeoutMs,
  turnaroundMs,
  retries,
});
const serialLine = z.strictObject({
  serial: z.strictObject({
    path: file.describe('The port’s path: `/dev/ttyUSB0`'),
    baudRate: z.number().int().min(300).max(1_000_000).default(19_200),
    dataBits: z.union([z.literal(7), z.literal(8)]).default(8),
    parity: z.enum(['none', 'even', 'odd']).default('even'),
    stopBits: z.union([z.literal(1), z.literal(2)]).default(1),
  }),
  timeoutMs: timeoutMs.default(1000),
  turnaroundMs,
  retries,
});
const line = z.union([tcpLine, rtuOverTcpLine, serialLine], {
  error: 'a line with one of `tcp`, `rtuOverTcp` and `serial`',
});

/** The section under `drivers.modbus`. */
export const modbusSection = z.strictObject({
  listen: z.array(listener).min(1).max(32),
  lines: z.record(name, line).describe('The ways to the devices, by the names their addresses use in the policy'),
  units: z
    .array(
      z.strictObject({
        listener: name.optional().describe('Absent: every listener'),
        unit: z.number().int().min(0).max(255),
        device: z.string().min(1).describe('Id of the device in the policy'),
      }),
    )
    .max(8192)
    .describe('Which unit id of a listener is which device, one to one'),
  permit: z
    .array(
      z.strictObject({
        device: z.string().min(1),
        functionCode: z.number().int().min(1).max(127),
        subFunction: z.number().int().min(0).max(65_535).optional().describe('Of FC 8; the MEI type of FC 43'),
        action: z.enum(CHANGING_ACTIONS),
      }),
    )
    .max(1024)
    .default([])
    .describe(
      'Functions that are refused by default, named for one device with the action they ask of it; nobody here understands their octets, which are handed on as they are and recorded in hex',
    ),
});

export type ModbusSection = z.output<typeof modbusSection>;
export type ListenerConfig = ModbusSection['listen'][number];
export type LineConfig = ModbusSection['lines'][string];
export type TcpLineConfig = z.output<typeof tcpLine>;
