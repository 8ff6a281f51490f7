// All of some octets as one described value, and back.

import { fail, ok, type Result } from '../../../src/model/result.ts';
import type { WireFault } from './fault.ts';
import { TagReader } from './reader.ts';
import { type Codec, refuseRest } from './schema.ts';
import { TagWriter } from './writer.ts';

/** A fault's answer is the Reject a confirmed request would get. */
export function decodeWhole<T>(codec: Codec<T>, octets: Uint8Array): Result<T, WireFault> {
  const reader = new TagReader(octets);
  const value = codec.decode(reader);
  if (reader.position < octets.length) refuseRest(reader, 'the end');
  // Without a fault there is a value: the first invariant of a codec.
  return reader.fault === undefined ? ok(value as T) : fail(reader.fault);
}

/** Throws a RangeError for a value no decoder could have given. */
export function encodeWhole<T>(codec: Codec<T>, value: T): Uint8Array {
  const writer = new TagWriter();
  codec.encode(writer, value);
  return writer.finish();
}
