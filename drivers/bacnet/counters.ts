// Counters by stable name, for /metrics.

export type Counters = ReturnType<typeof newCounters>;

export function newCounters() {
  return {
    north_frames_in: 0,
    north_frames_out: 0,
    north_frames_broken: 0,
    north_refused: 0,
    north_requests: 0,
    north_repeats: 0,
    north_over_limit: 0,
    north_broadcasts_dropped: 0,
    plant_frames_in: 0,
    plant_frames_out: 0,
    plant_frames_broken: 0,
    plant_refused: 0,
    plant_requests: 0,
    plant_retries: 0,
    plant_timeouts: 0,
    /** Answers nobody waits for: late, double, of another device or of another service. */
    plant_strays: 0,
    send_failures: 0,
    devices_unverified: 0,
    devices_contested: 0,
    own_faults: 0,
  };
}
