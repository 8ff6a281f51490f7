// In front of the MQTT decoder, which would gather a packet of any length: a packet longer than the bound ends the
// connection at its header, before its body is held.

import type { Duplex } from 'node:stream';

/** Reads lengths only. `undefined` while all is well, else what was found. */
export class PacketGuard {
  readonly #mostBytes: number;
  /** Bytes of the body that are still to come; undefined while reading a fixed header. */
  #body: number | undefined;
  #headerBytes = 0;
  #length = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  see(chunk: Uint8Array): string | undefined {
    let at = 0;
    while (at < chunk.length) {
      if (this.#body !== undefined) {
        const taken = Math.min(this.#body, chunk.length - at);
        at += taken;
        this.#body -= taken;
        if (this.#body === 0) this.#nextPacket();
        continue;
      }
      const fault = this.#header(chunk[at] ?? 0);
      if (fault) return fault;
      at += 1;
    }
    return undefined;
  }

  /** MQTT 5, 1.5.5: one byte of type, then the remaining length, 7 bits a byte, lowest first, at most four. */
  #header(byte: number): string | undefined {
    this.#headerBytes += 1;
    if (this.#headerBytes === 1) return undefined;
    if (this.#headerBytes > 5) return 'a packet length of more than four bytes';
    this.#length += (byte & 0x7f) * 128 ** (this.#headerBytes - 2);
    if (byte & 0x80) return undefined;
    if (this.#length > this.#mostBytes) return `a packet of ${this.#length} bytes`;
    if (this.#length === 0) this.#nextPacket();
    else this.#body = this.#length;
    return undefined;
  }

  #nextPacket(): void {
    this.#body = undefined;
    this.#headerBytes = 0;
    this.#length = 0;
  }
}

/** Destroys the stream at the first packet that is too long, after `tell`. Attach before anything reads from it. */
export function guardPackets(stream: Duplex, mostBytes: number, tell: () => void): void {
  const guard = new PacketGuard(mostBytes);
  stream.on('data', (chunk: Buffer) => {
    const fault = guard.see(chunk);
    if (!fault) return;
    tell();
    stream.destroy(new Error(`got ${fault}, expected at most ${mostBytes} bytes`));
  });
}
