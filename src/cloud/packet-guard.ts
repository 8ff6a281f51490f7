// In front of the MQTT decoder, which would gather a packet of any length: of a publication longer than the bound only the
// bound is passed on, so that it is refused as too large while everything else goes on. Anything else that long ends the line.

import { Duplex } from 'node:stream';

const PUBLISH = 0x3;

/** Reads types and lengths only, and rewrites the length of what it cuts. */
export class PacketGuard {
  readonly #mostBytes: number;
  #header: number[] = [];
  /** Bytes of the body that are passed on, and those that are left out after them; undefined within a fixed header. */
  #body: { pass: number; drop: number } | undefined;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** What the decoder may see of these bytes. @throws Error for a packet that must not be read */
  pass(chunk: Uint8Array): Buffer {
    const passed: Uint8Array[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (!this.#body) {
        this.#header.push(chunk[at] ?? 0);
        at += 1;
        if (this.#headerEnds()) passed.push(this.#begin());
      } else {
        const kept = Math.min(this.#body.pass, chunk.length - at);
        if (kept > 0) passed.push(chunk.subarray(at, at + kept));
        this.#body.pass -= kept;
        at += kept;
        const dropped = Math.min(this.#body.drop, chunk.length - at);
        this.#body.drop -= dropped;
        at += dropped;
      }
      if (this.#body?.pass === 0 && this.#body.drop === 0) this.#body = undefined;
    }
    return Buffer.concat(passed);
  }

  /** MQTT 5, 1.5.5: one byte of type, then the remaining length, 7 bits a byte, lowest first, at most four. */
  #headerEnds(): boolean {
    if (this.#header.length > 5) throw new Error('got a packet length of more than four bytes');
    return this.#header.length > 1 && ((this.#header.at(-1) ?? 0) & 0x80) === 0;
  }

  #begin(): Uint8Array {
    const [type = 0, ...digits] = this.#header;
    const length = digits.reduce((sum, digit, index) => sum + (digit & 0x7f) * 128 ** index, 0);
    const pass = Math.min(length, this.#mostBytes);
    if (pass < length && type >> 4 !== PUBLISH) {
      throw new Error(`got a packet of ${length} bytes, expected at most ${this.#mostBytes} bytes`);
    }
    const header = Uint8Array.from([type, ...(pass < length ? remainingLength(pass) : digits)]);
    this.#header = [];
    this.#body = { pass, drop: length - pass };
    return header;
  }
}

function remainingLength(length: number): number[] {
  return length < 128 ? [length] : [(length % 128) | 0x80, ...remainingLength(Math.floor(length / 128))];
}

/** The socket as the decoder may see it; an error or an end of either is the end of both. */
export function guardPackets(socket: Duplex, mostBytes: number): Duplex {
  const guard = new PacketGuard(mostBytes);
  const guarded = new Duplex({
    read: () => void socket.resume(),
    write: (chunk: Buffer, _encoding, done) => handOver(chunk, done),
    writev: (chunks, done) => handOver(Buffer.concat(chunks.map(({ chunk }) => chunk as Buffer)), done),
    final(done) {
      socket.end();
      done();
    },
    destroy(error, done) {
      socket.destroy();
      done(error);
    },
  });
  function handOver(bytes: Buffer, done: () => void): void {
    if (socket.write(bytes)) done();
    else socket.once('drain', done);
  }
  socket.on('data', (chunk: Buffer) => {
    try {
      const passed = guard.pass(chunk);
      if (passed.length > 0 && !guarded.push(passed)) socket.pause();
    } catch (error) {
      guarded.destroy(error as Error);
    }
  });
  socket.on('end', () => guarded.push(null));
  socket.on('error', (error) => guarded.destroy(error));
  socket.on('close', () => guarded.destroy());
  return guarded;
}
