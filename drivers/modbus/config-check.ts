// What a schema cannot say of the driver's section: two things in one place, names that lead nowhere.

import { type DocumentFault, describeFound } from '../../src/model/fault.ts';
import type { ModbusSection } from './config.ts';
import { functionTable } from './wire/function-codes.ts';
import { isDecodedFunctionCode } from './wire/request.ts';

/** Every fault across a parsed section; paths count from the section. */
export function checkConfiguration(section: ModbusSection): readonly DocumentFault[] {
  return [...listenerFaults(section), ...unitFaults(section), ...lineFaults(section), ...permitFaults(section)];
}

function listenerFaults({ listen }: ModbusSection): DocumentFault[] {
  const faults: DocumentFault[] = [];
  for (const [at, one] of listen.entries()) {
    const before = listen.slice(0, at);
    if (before.some((other) => other.name === one.name))
      faults.push({ path: `listen.${at}.name`, found: `\`${one.name}\` a second time`, expected: 'a name of its own' });
    const other = before.find((candidate) => meet(candidate, one));
    if (other !== undefined)
      faults.push({
        path: `listen.${at}.port`,
        found: `\`${one.address}\` port \`${one.port}\`, where \`${other.name}\` listens`,
        expected: 'an address and port of its own',
      });
  }
  return faults;
}

function meet(a: ModbusSection['listen'][number], b: ModbusSection['listen'][number]): boolean {
  if (a.port !== b.port || a.port === 0) return false;
  return a.address === b.address || [a.address, b.address].some((address) => address === '0.0.0.0' || address === '::');
}

function unitFaults({ listen, units }: ModbusSection): DocumentFault[] {
  const faults: DocumentFault[] = [];
  const names = [...new Set(listen.map(({ name }) => name))];
  const unitsOf = new Map<string, Map<number, string>>(names.map((name) => [name, new Map()]));
  const devicesOf = new Map<string, Map<string, number>>(names.map((name) => [name, new Map()]));
  for (const [at, { listener, unit, device }] of units.entries()) {
    if (listener !== undefined && !names.includes(listener)) {
      faults.push({ path: `units.${at}.listener`, found: `\`${listener}\``, expected: 'the name of a listener' });
      continue;
    }
    for (const name of listener === undefined ? names : [listener]) {
      const first = unitsOf.get(name)?.get(unit);
      const second = devicesOf.get(name)?.get(device);
      if (first !== undefined)
        faults.push({
          path: `units.${at}.unit`,
          found: `\`${unit}\`, which is \`${first}\` on \`${name}\``,
          expected: 'a unit id of its own',
        });
      else if (second !== undefined)
        faults.push({
          path: `units.${at}.device`,
          found: `\`${device}\`, which is unit \`${second}\` on \`${name}\``,
          expected: 'one unit id for each device',
        });
      else {
        unitsOf.get(name)?.set(unit, device);
        devicesOf.get(name)?.set(device, unit);
      }
    }
  }
  return [...faults, ...reservedUnits(units, names)];
}

/** 0 is every device and 248 to 255 are reserved (Serial Line V1.02, 2.2), unless a listener is one device altogether. */
function reservedUnits(units: ModbusSection['units'], names: readonly string[]): DocumentFault[] {
  return [...units.entries()].flatMap(([at, { listener, unit }]) => {
    const alone = (name: string): boolean =>
      units.filter((other) => other.listener === undefined || other.listener === name).length === 1;
    if ((unit > 0 && unit < 248) || (listener === undefined ? names : [listener]).every(alone)) return [];
    return [
      {
        path: `units.${at}.unit`,
        found: `\`${unit}\` on a listener with several devices`,
        expected: '1 to 247: 0 is every device, the rest is reserved',
      },
    ];
  });
}

function lineFaults({ lines }: ModbusSection): DocumentFault[] {
  const faults: DocumentFault[] = [];
  const taken = new Map<string, string>();
  for (const [name, line] of Object.entries(lines)) {
    const [key, where] =
      'serial' in line
        ? ['serial', line.serial.path]
        : 'tcp' in line
          ? ['tcp', `${line.tcp.host} port ${line.tcp.port}`]
          : ['rtuOverTcp', `${line.rtuOverTcp.host} port ${line.rtuOverTcp.port}`];
    const first = taken.get(where);
    if (first === undefined) taken.set(where, name);
    else
      faults.push({
        path: `lines.${name}.${key}`,
        found: `\`${where}\`, which is line \`${first}\``,
        expected: 'one line for each host or port, or changes could overtake each other',
      });
  }
  return faults;
}

function permitFaults({ permit }: ModbusSection): DocumentFault[] {
  const seen = new Set<string>();
  return [...permit.entries()].flatMap(([at, entry]): DocumentFault[] => {
    const { device, functionCode, subFunction } = entry;
    const key = `${functionCode} ${subFunction ?? ''} ${device}`;
    if (seen.has(key))
      return [
        { path: `permit.${at}`, found: describeFound(entry), expected: 'one entry for each function of a device' },
      ];
    seen.add(key);
    const selects = functionCode === 8 || functionCode === 43;
    if (selects !== (subFunction !== undefined))
      return [
        {
          path: `permit.${at}.subFunction`,
          found: describeFound(subFunction),
          expected: selects ? 'the sub-function or MEI type' : 'no such key with this function code',
        },
      ];
    const known = functionTable.find((row) => row.functionCode === functionCode && row.selector === subFunction);
    const isOwn = known === undefined ? !selects && isDecodedFunctionCode(functionCode) : known.kind !== 'refused';
    if (!isOwn) return [];
    return [
      {
        path: `permit.${at}.functionCode`,
        found: `\`${functionCode}\`, which is understood and judged by what it does`,
        expected: 'a function code that is refused by default',
      },
    ];
  });
}
