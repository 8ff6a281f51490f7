// Trend logs: a record of the referenced value at each interval, the oldest leaving a full buffer.

import type { DeviceState } from './device-state.ts';
import type { Element } from './elements.ts';
import { ServiceFault } from './faults.ts';
import { OBJECT_TYPE, PROPERTY } from './names.ts';
import type { PropertyChange, SimulatedObject } from './object.ts';
import { Parameters } from './parameters.ts';
import { app, ctx, numberOf, within } from './values.ts';

export class TrendLogs {
  readonly #state: DeviceState;
  readonly #since = new Map<SimulatedObject, number>();

  constructor(state: DeviceState) {
    this.#state = state;
    state.watchers.push((change) => this.#changed(change));
  }

  advance(seconds: number): void {
    for (const log of this.#state.objects.values()) {
      if (log.ref.type !== OBJECT_TYPE['trend-log'] || log.number('enable') !== 1) continue;
      const interval = Math.max(1, (log.number('log-interval') ?? 100) / 100);
      let since = (this.#since.get(log) ?? 0) + seconds;
      for (; since >= interval; since -= interval)
        this.#record(log, this.#state.now().getTime() - (since - interval) * 1000);
      this.#since.set(log, since);
    }
  }

  /** Adds one record with what the log refers to now. */
  #record(log: SimulatedObject, atMs: number): void {
    const size = log.number('buffer-size') ?? 100;
    const kept = log.items('log-buffer');
    if (kept.length >= size && log.number('stop-when-full') === 1) {
      log.set('enable', [app.boolean(false)]);
      return;
    }
    const at = new Date(atMs);
    const record = [
      within(0, app.date(at), app.time(at)),
      within(1, this.#datum(log)),
      ctx.bits(2, [false, false, false, false]),
    ];
    const buffer = [...kept, record].slice(-size);
    log.set('log-buffer', ...buffer);
    log.set('record-count', [app.unsigned(buffer.length)]);
    log.set('total-record-count', [app.unsigned((log.number('total-record-count') ?? 0) + 1)]);
  }

  #datum(log: SimulatedObject): Element {
    try {
      const reference = new Parameters(log.value('log-device-object-property'));
      const object = this.#state.find(reference.needObject(0));
      const value = numberOf(object.read(reference.needUnsigned(1))[0]);
      if (value !== undefined) return ctx.real(2, value);
    } catch (fault) {
      if (!(fault instanceof ServiceFault)) throw fault;
    }
    return ctx.octets(7, Buffer.alloc(0));
  }

  /** Writing 0 to the record count empties the log. */
  #changed({ object, property, value }: PropertyChange): void {
    const cleared = object.ref.type === OBJECT_TYPE['trend-log'] && property === PROPERTY['record-count'];
    if (cleared && numberOf(value[0]) === 0) object.set('log-buffer');
  }
}
