// Counters by stable name, for /metrics.

export interface Counters {
  connections: number;
  connections_refused: number;
  frames_in: number;
  frames_broken: number;
  reads: number;
  reads_refused: number;
  changes: number;
  refused: number;
  busy: number;
}

export function newCounters(): Counters {
  return {
    connections: 0,
    connections_refused: 0,
    frames_in: 0,
    frames_broken: 0,
    reads: 0,
    reads_refused: 0,
    changes: 0,
    refused: 0,
    busy: 0,
  };
}
