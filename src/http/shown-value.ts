// Values between the API's JSON and the house's own.

import { recordedValue, recordValue } from '../model/journal-row.ts';
import type { PointValue } from '../model/point.ts';
import type { LiveValue } from './live-values.ts';
import type { ApiReading } from './schema-browse.ts';
import type { ApiValue } from './schema-shared.ts';

export const shownValue = (value: PointValue): ApiValue => recordValue(value);
export const givenValue = (value: ApiValue): PointValue => recordedValue(value);

export function shownReading(live: LiveValue): ApiReading {
  switch (live.quality) {
    case 'never':
      return { quality: 'never', ...(live.why !== undefined && { why: live.why }) };
    case 'good':
      return { quality: 'good', value: shownValue(live.value), at: live.at };
    case 'bad':
      return { quality: 'bad', value: shownValue(live.value), at: live.at, why: live.why };
  }
}
