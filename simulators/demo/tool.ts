// A technician's Modbus tool, played by the client library modbus-serial: one person, one address, one connection kept open.

import { readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import modbusSerial from 'modbus-serial';

const ModbusClient = modbusSerial.default;
const TIMEOUT_MS = 3000;

/** What came back: the registers, `done` for a write, or the exception's code. */
export type ToolAnswer = { readonly registers: readonly number[] } | 'done' | { readonly exception: number };

export class Tool {
  readonly #client: InstanceType<typeof ModbusClient>;

  private constructor(client: InstanceType<typeof ModbusClient>) {
    this.#client = client;
  }

  /** Connects from this loopback address, which is all a gateway sees of a tool. */
  static async connect(localAddress: string, port: number): Promise<Tool> {
    const client = new ModbusClient();
    client.setTimeout(TIMEOUT_MS);
    await client.connectTCP('127.0.0.1', { port, localAddress, host: '127.0.0.1' });
    return new Tool(client);
  }

  read(unit: number, table: 'holding' | 'input', register: number, count: number): Promise<ToolAnswer> {
    this.#client.setID(unit);
    const asked =
      table === 'holding'
        ? this.#client.readHoldingRegisters(register, count)
        : this.#client.readInputRegisters(register, count);
    return answerOf(asked.then(({ data }) => ({ registers: data })));
  }

  /** One register by function code 6, several by 16. */
  write(unit: number, register: number, values: readonly number[]): Promise<ToolAnswer> {
    this.#client.setID(unit);
    const [only] = values;
    const asked: Promise<unknown> =
      values.length === 1 && only !== undefined
        ? this.#client.writeRegister(register, only)
        : this.#client.writeRegisters(register, [...values]);
    return answerOf(asked.then(() => 'done' as const));
  }

  /** Once more does nothing. */
  async close(): Promise<void> {
    // Of a connection that is closed already the library says nothing, ever.
    if (this.#client.isOpen) await new Promise<void>((resolve) => this.#client.close(() => resolve()));
  }
}

/** Function code 6 to unit 0: to every device of the line, and no answer comes. Resolves when it was handed over. */
export function broadcast(localAddress: string, port: number, register: number, value: number): Promise<void> {
  const frame = Buffer.from([0, 1, 0, 0, 0, 6, 0, 6, register >> 8, register & 0xff, value >> 8, value & 0xff]);
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: '127.0.0.1', port, localAddress });
    socket.once('error', reject);
    socket.once('close', () => resolve());
    socket.once('connect', () => socket.end(frame));
    socket.resume();
  });
}

/** One PDU to one unit over Modbus/TCP Security, with this client's certificate; gives the PDU that came back. */
export function askSecurely(
  port: number,
  certificates: string,
  person: string,
  unit: number,
  pdu: Buffer,
): Promise<Buffer> {
  const read = (name: string): Buffer => readFileSync(join(certificates, name));
  const header = Buffer.from([0, 1, 0, 0, 0, pdu.length + 1, unit]);
  return new Promise((resolve, reject) => {
    const socket = connectTls({
      host: '127.0.0.1',
      port,
      ca: read('ca.pem'),
      cert: read(`${person}.pem`),
      key: read(`${person}.key`),
      timeout: TIMEOUT_MS,
    });
    socket.once('secureConnect', () => socket.write(Buffer.concat([header, pdu])));
    socket.once('data', (bytes: Buffer) => {
      socket.destroy();
      resolve(bytes.subarray(header.length));
    });
    socket.once('timeout', () => socket.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the connection was closed without an answer')));
  });
}

async function answerOf(asked: Promise<ToolAnswer>): Promise<ToolAnswer> {
  try {
    return await asked;
  } catch (error) {
    const code = (error as { modbusCode?: unknown } | null)?.modbusCode;
    if (typeof code === 'number') return { exception: code };
    throw error instanceof Error ? error : new Error(describeFailure(error));
  }
}

/** modbus-serial fails with plain objects, too. */
function describeFailure(error: unknown): string {
  const message = (error as { message?: unknown } | null)?.message;
  return typeof message === 'string' ? message : JSON.stringify(error);
}

/** Two registers, least significant first (CDAB), as the plant's air handling unit has its set points. */
export function floatRegisters(value: number): readonly number[] {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatBE(value);
  return [bytes.readUInt16BE(2), bytes.readUInt16BE(0)];
}

/** Two registers, most significant first (ABCD). */
export function floatOf(registers: readonly number[]): number {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16BE(registers[0] ?? 0, 0);
  bytes.writeUInt16BE(registers[1] ?? 0, 2);
  return bytes.readFloatBE(0);
}
