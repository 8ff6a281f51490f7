// Requests or responses ─encode─► MODBUS/TCP ADUs one after another, to be written at once, both directions.
// 1. What does not fit its form is a fault and adds no octet. 2. Octets that were taken are never written again: a socket may
// hold them for as long as it likes.

import { checkRequest } from './check-request.ts';
import { putRequest, requestLength } from './encode-request.ts';
import { checkResponse, putResponse, responseLength } from './encode-response.ts';
import type { PduFault } from './fault.ts';
import { headerLength } from './mbap.ts';
import { putU16 } from './octets.ts';
import type { Request } from './request.ts';
import type { Response } from './response.ts';

/** A block is cut into many batches, so that a frame costs no buffer of its own. */
const blockLength = 4096;
const noBlock = Buffer.alloc(0);

export class MbapBatch {
  #block: Buffer = noBlock;
  #from = 0;
  #to = 0;
  #frames = 0;

  /** How many ADUs wait to be taken. */
  get frames(): number {
    return this.#frames;
  }

  /** Adds a request as one ADU, or says why it is none. */
  addRequest(transactionId: number, unitId: number, request: Request): PduFault | undefined {
    const fault = checkRequest(request);
    if (fault !== undefined) return fault;
    const at = this.#begin(transactionId, unitId, requestLength(request));
    putRequest(this.#block, at, request);
    return undefined;
  }

  /** Adds a response or exception as one ADU, or says why it is none. */
  addResponse(transactionId: number, unitId: number, response: Response): PduFault | undefined {
    const fault = checkResponse(response);
    if (fault !== undefined) return fault;
    const at = this.#begin(transactionId, unitId, responseLength(response));
    putResponse(this.#block, at, response);
    return undefined;
  }

  /** Everything that was added since the last time; empty where nothing was. */
  take(): Buffer {
    const taken = this.#block.subarray(this.#from, this.#to);
    this.#from = this.#to;
    this.#frames = 0;
    return taken;
  }

  /** Writes the header of an ADU; gives where its PDU begins. */
  #begin(transactionId: number, unitId: number, pduLength: number): number {
    const length = headerLength + pduLength;
    if (this.#to + length > this.#block.length) this.#newBlock(length);
    const block = this.#block;
    const at = this.#to;
    putU16(block, at, transactionId);
    putU16(block, at + 2, 0);
    putU16(block, at + 4, pduLength + 1);
    block[at + 6] = unitId;
    this.#to = at + length;
    this.#frames += 1;
    return at + headerLength;
  }

  // What waits moves along: a batch is one stretch of octets.
  #newBlock(length: number): void {
    const held = this.#to - this.#from;
    const block = Buffer.allocUnsafe(Math.max(blockLength, 2 * (held + length)));
    this.#block.copy(block, 0, this.#from, this.#to);
    this.#block = block;
    this.#from = 0;
    this.#to = held;
  }
}
