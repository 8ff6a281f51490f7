// The last day of each point as the gateway has read it, in memory: mean, least and most of every two minutes. Bounded by
// points; a restart begins anew, and the answer shows from when.

const STEP_MS = 120_000;
const STEPS = 720;
const MOST_POINTS = 4096;

interface Ring {
  /** Number of the step (ms / STEP_MS) that each place holds. */
  readonly steps: Float64Array;
  readonly min: Float32Array;
  readonly max: Float32Array;
  readonly sum: Float64Array;
  readonly count: Uint32Array;
}

interface TrendSample {
  readonly at: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
}

export interface Trends {
  readonly stepMs: number;
  add(point: string, at: number, value: number): void;
  /** Oldest first, of the day before `now`. */
  of(point: string, now: number): TrendSample[];
}

export function createTrends(): Trends {
  const rings = new Map<string, Ring>();
  return {
    stepMs: STEP_MS,
    add(point, at, value) {
      if (!Number.isFinite(value)) return;
      let ring = rings.get(point);
      if (!ring) {
        if (rings.size >= MOST_POINTS) return;
        ring = newRing();
        rings.set(point, ring);
      }
      const step = Math.floor(at / STEP_MS);
      const place = step % STEPS;
      if (ring.steps[place] !== step) {
        ring.steps[place] = step;
        ring.min[place] = value;
        ring.max[place] = value;
        ring.sum[place] = 0;
        ring.count[place] = 0;
      }
      ring.min[place] = Math.min(ring.min[place] ?? value, value);
      ring.max[place] = Math.max(ring.max[place] ?? value, value);
      ring.sum[place] = (ring.sum[place] ?? 0) + value;
      ring.count[place] = (ring.count[place] ?? 0) + 1;
    },
    of(point, now) {
      const ring = rings.get(point);
      if (!ring) return [];
      const samples: TrendSample[] = [];
      const last = Math.floor(now / STEP_MS);
      for (let step = last - STEPS + 1; step <= last; step += 1) {
        const place = ((step % STEPS) + STEPS) % STEPS;
        const count = ring.count[place] ?? 0;
        if (ring.steps[place] !== step || count === 0) continue;
        const mean = (ring.sum[place] ?? 0) / count;
        samples.push({ at: step * STEP_MS, min: ring.min[place] ?? mean, max: ring.max[place] ?? mean, mean });
      }
      return samples;
    },
  };
}

function newRing(): Ring {
  return {
    steps: new Float64Array(STEPS).fill(-1),
    min: new Float32Array(STEPS),
    max: new Float32Array(STEPS),
    sum: new Float64Array(STEPS),
    count: new Uint32Array(STEPS),
  };
}
