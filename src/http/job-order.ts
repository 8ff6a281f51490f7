// An order as the API gives it → as the jobs take it. Invariant: what the asker may not see is no device or point of an order.

import type { JobOrder } from '../contract/jobs.ts';
import { isNonEmpty, type NonEmpty } from '../model/result.ts';
import { invalid } from './problem.ts';
import type { GivenJobOrder } from './schema-jobs.ts';
import { givenValue } from './shown-value.ts';
import type { Sight } from './sight.ts';
import { whole, writeRow } from './write-routes.ts';

export interface OrderFault {
  readonly path: string;
  readonly message: string;
}

/** @throws Problem 422 where a list is empty */
export function orderOf(given: GivenJobOrder): JobOrder {
  const base = {
    ...(given.note !== undefined && { note: given.note }),
    ...(given.window && {
      window: {
        until: given.window.until,
        ...(given.window.from !== undefined && { from: given.window.from }),
      },
    }),
  };
  switch (given.kind) {
    case 'firmware':
      return {
        ...base,
        kind: 'firmware',
        image: given.image,
        devices: some(given.devices, 'devices'),
        rollout: given.rollout,
      };
    case 'configuration':
      return {
        ...base,
        kind: 'configuration',
        source: given.source,
        devices: some(given.devices, 'devices'),
        classes: some([...new Set(given.classes)], 'classes'),
      };
    case 'alarm-thresholds':
      return {
        ...base,
        kind: 'alarm-thresholds',
        devices: some(given.devices, 'devices'),
        values: some(
          given.values.map(({ key, value }) => ({ key, value: givenValue(value) })),
          'values',
        ),
      };
    case 'batch':
      return { ...base, kind: 'batch', rows: some(given.rows.map(writeRow), 'rows'), ...whole(given) };
  }
}

function some<T>(list: readonly T[], path: string): NonEmpty<T> {
  if (!isNonEmpty(list)) throw invalid([{ path, message: 'expected at least one' }]);
  return list;
}

/** Devices and points of an order that do not exist, or may not be seen: nobody is told which of the two. */
export function unseenIn(given: GivenJobOrder, sight: Sight): OrderFault[] {
  const device = (id: string, path: string): OrderFault[] =>
    sight.device(id) === undefined ? [{ path, message: 'no such device, or you may not see it' }] : [];
  if (given.kind === 'batch') {
    return given.rows.flatMap(({ point }, at) =>
      sight.point(point) === undefined
        ? [{ path: `rows.${at}.point`, message: 'no such point, or you may not see it' }]
        : [],
    );
  }
  return [
    ...(given.kind === 'configuration' ? device(given.source, 'source') : []),
    ...given.devices.flatMap((id, at) => device(id, `devices.${at}`)),
  ];
}

/** The order without what is not seen; `undefined`: nothing is left to look at. */
export function seenPart(given: GivenJobOrder, sight: Sight): GivenJobOrder | undefined {
  if (given.kind === 'batch') {
    const rows = given.rows.filter(({ point }) => sight.point(point) !== undefined);
    return rows.length > 0 ? { ...given, rows } : undefined;
  }
  if (given.kind === 'configuration' && sight.device(given.source) === undefined) return undefined;
  const devices = given.devices.filter((id) => sight.device(id) !== undefined);
  return devices.length > 0 ? { ...given, devices } : undefined;
}
