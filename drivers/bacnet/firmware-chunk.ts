// Firmware ─► device: how much goes in one write. Unsegmented to begin with; a few segmented writes show whether those are faster.
// 1. What the device's address says counts, up to what the device takes. 2. What it cannot take is never tried again.

import { FILE_OVERHEAD, unsegmentedOctets } from './firmware-file.ts';
import type { PlantDevice } from './seam.ts';

/** Segments of one write: few enough for the memory of a small device. */
const SEGMENTS = 8;
const SEGMENT_OVERHEAD = 6;
const OWN_MAX_APDU = 1476;
const LEAST = 16;
/** Writes that are timed of each kind. */
const PLAIN_TRIES = 12;
const SEGMENTED_TRIES = 4;
/** Segmented writes must be so much faster to be worth their longer turns in the lane. */
const WORTH = 1.2;

interface Timed {
  octets: number;
  ms: number;
  tries: number;
}

export class ChunkSize {
  readonly #segmented: number | undefined;
  readonly #plainly: Timed = { octets: 0, ms: 0, tries: 0 };
  readonly #inSegments: Timed = { octets: 0, ms: 0, tries: 0 };
  #plain: number;
  #state: 'timing' | 'trying' | 'settled';
  #octets: number;

  /** `wanted`: octets that the address names. */
  constructor(device: PlantDevice, wanted: number | undefined) {
    const takesSegments = device.segmentation === 'both' || device.segmentation === 'receive';
    this.#plain = unsegmentedOctets(device);
    const apdu = Math.min(device.maxApduLength, OWN_MAX_APDU);
    const inSegments = SEGMENTS * (apdu - SEGMENT_OVERHEAD) - FILE_OVERHEAD;
    this.#segmented = takesSegments && wanted === undefined ? inSegments : undefined;
    this.#octets = wanted === undefined || (wanted > this.#plain && !takesSegments) ? this.#plain : wanted;
    this.#state = this.#segmented === undefined ? 'settled' : 'timing';
  }

  get octets(): number {
    return this.#octets;
  }

  /** A write of so many octets was acknowledged. */
  took(octets: number, ms: number): void {
    if (this.#state === 'settled' || octets < this.#octets) return;
    const timed = this.#state === 'timing' ? this.#plainly : this.#inSegments;
    timed.octets += octets;
    timed.ms += ms;
    timed.tries += 1;
    if (this.#state === 'timing' && timed.tries >= PLAIN_TRIES) {
      this.#state = 'trying';
      this.#octets = this.#segmented ?? this.#plain;
    } else if (this.#state === 'trying' && timed.tries >= SEGMENTED_TRIES) {
      const isFaster = rateOf(this.#inSegments) > WORTH * rateOf(this.#plainly);
      this.#settle(isFaster ? this.#octets : this.#plain);
    }
  }

  /** A write was lost, or the device was too busy for it. */
  failed(): void {
    if (this.#octets > this.#plain && this.#segmented !== undefined) this.#settle(this.#plain);
  }

  /** The device cannot take so much at once. False: nor less. */
  shrink(): boolean {
    if (this.#octets > this.#plain) this.#settle(this.#plain);
    else if (this.#octets <= LEAST) return false;
    else {
      this.#plain = Math.max(LEAST, this.#octets >> 1);
      this.#settle(this.#plain);
    }
    return true;
  }

  #settle(octets: number): void {
    this.#octets = octets;
    this.#state = 'settled';
  }
}

function rateOf({ octets, ms }: Timed): number {
  return octets / Math.max(ms, 0.001);
}
