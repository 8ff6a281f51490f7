// Holds the table of rooms to the code: who may import whom, which packages, and why. No file over 400 lines, no circles.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

interface Room {
  readonly rooms: readonly string[];
  /** Files, by how their path begins, of which types alone may be imported. */
  readonly types?: readonly string[];
  /** Packages and node: built-ins; `*` = any. */
  readonly packages: readonly string[];
  readonly why: string;
}

const everything = ['*'];
const ROOMS: Record<string, Room> = {
  'src/model': { rooms: [], packages: [], why: 'the nouns depend on nothing, so that everything may depend on them' },
  'src/contract': {
    rooms: ['src/model'],
    packages: [],
    why: 'rooms meet here, with what every driver does alike; an implementation that decides would be a second door',
  },
  'src/policy': {
    rooms: ['src/model'],
    packages: ['zod', 'haystack-core'],
    why: 'the answer is pure: no clock, no I/O, so that it can be compared with a naive evaluator',
  },
  'src/gate': {
    rooms: ['src/model', 'src/contract', 'src/policy'],
    packages: [],
    why: 'the door decides and owns no sockets, files or timers of its own',
  },
  'src/store': {
    rooms: ['src/model', 'src/contract'],
    packages: ['better-sqlite3', 'node:*'],
    why: 'the memory decides nothing',
  },
  'src/cloud': {
    rooms: ['src/model', 'src/contract', 'src/policy'],
    packages: ['mqtt', 'jose', 'zod', 'node:*'],
    why: 'the cloud side meets gate and store only through contracts',
  },
  'src/http': {
    rooms: ['src/model', 'src/contract', 'src/policy'],
    packages: everything,
    why: 'the page and the API are one more caller of the gate, never a second place that decides',
  },
  'src/web': {
    rooms: [],
    types: ['src/http/schema-'],
    packages: everything,
    why: 'the page knows the API’s types only',
  },
  'src/jobs': { rooms: ['src/model', 'src/contract'], packages: [], why: 'every step of a job asks the gate' },
  'src/cli': {
    rooms: [
      'src/daemon',
      'src/model',
      'src/contract',
      'src/policy',
      'src/store',
      'src/cloud',
      'src/gate/observe-report.ts',
    ],
    types: ['src/http/schema-'],
    packages: ['commander', 'yaml', 'zod', '@peculiar/x509', 'reflect-metadata', 'node:*'],
    why: 'commands read bundles and records and talk to the daemon; they never reach a device themselves',
  },
  'src/daemon': { rooms: everything, packages: everything, why: 'the only room that constructs' },
  simulators: { rooms: [], packages: everything, why: 'an independent second reading of the standards' },
  test: { rooms: everything, packages: everything, why: 'tests see all' },
};

const DRIVER_PACKAGES: Record<string, readonly string[]> = {
  modbus: [
    'serialport',
    'modbus-serial',
    '@peculiar/x509',
    'reflect-metadata',
    'node:net',
    'node:tls',
    'node:fs',
    'node:crypto',
    'node:events',
    'node:os',
  ],
  bacnet: ['node-bacnet', 'node:dgram', 'node:crypto', 'node:os', 'node:net'],
};

function sourceFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' || entry.name === 'dist' ? [] : sourceFiles(path);
    return /\.tsx?$/.test(entry.name) && !entry.name.endsWith('.d.ts') ? [path] : [];
  });
}

function roomOf(file: string): { name: string; room: Room } {
  const [first = '', second = '', third = ''] = file.split('/');
  if (first === 'drivers') {
    const folder = `drivers/${second}`;
    if (third === 'wire') {
      return {
        name: `${folder}/wire`,
        room: { rooms: ['src/model/result.ts'], packages: [], why: 'the codec is sans-IO: bytes in, values out' },
      };
    }
    const own = DRIVER_PACKAGES[second] ?? [];
    const packages = file.endsWith('/config.ts') ? [...own, 'zod'] : own;
    return {
      name: folder,
      room: {
        rooms: [folder, 'src/model', 'src/contract'],
        packages,
        why: 'a driver owns sockets and decides nothing',
      },
    };
  }
  const name = first === 'src' ? (second === 'main.ts' ? 'src/daemon' : `src/${second}`) : first;
  const room = ROOMS[name];
  if (!room) throw new Error(`\`${file}\` stands in no room of the table`);
  return { name, room };
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  const found: string[] = [];
  for (const match of text.matchAll(/(?:^|\n)\s*(?:import|export)\s[^'";]*?from\s*['"]([^'"]+)['"]/g))
    found.push(match[1] ?? '');
  for (const match of text.matchAll(/(?:^|\n)\s*import\s*['"]([^'"]+)['"]/g)) found.push(match[1] ?? '');
  for (const match of text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g)) found.push(match[1] ?? '');
  return found;
}

const folders = ['src', 'drivers', 'simulators', 'test'].filter((folder) =>
  statSync(join(root, folder), { throwIfNoEntry: false }),
);
const files = folders.flatMap(sourceFiles);

/** Those of a file that bring types alone. */
function typeImportsOf(file: string): ReadonlySet<string> {
  const text = readFileSync(join(root, file), 'utf8');
  const all = importsOf(file);
  const types = [...text.matchAll(/(?:^|\n)\s*(?:import|export)\s+type\s[^'";]*?from\s*['"]([^'"]+)['"]/g)];
  const named = types.map(([, specifier]) => specifier ?? '');
  const count = (list: readonly string[], one: string): number => list.filter((each) => each === one).length;
  return new Set(named.filter((one) => count(named, one) === count(all, one)));
}

function packageName(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function permitsPackage(room: Room, name: string): boolean {
  return room.packages.some(
    (entry) => entry === '*' || entry === name || (entry === 'node:*' && name.startsWith('node:')),
  );
}

describe('the house', () => {
  it('lets a room import only the rooms and packages of its row', () => {
    const faults: string[] = [];
    for (const file of files) {
      const { name, room } = roomOf(file);
      for (const specifier of importsOf(file)) {
        if (!specifier.startsWith('.')) {
          if (!permitsPackage(room, packageName(specifier)))
            faults.push(`${file} imports package \`${specifier}\`: ${room.why}`);
          continue;
        }
        const target = relative(root, resolve(root, dirname(file), specifier));
        const within = target.startsWith(`${name}/`) || target === name;
        const asTypes = room.types?.some((start) => target.startsWith(start)) && typeImportsOf(file).has(specifier);
        const permitted =
          asTypes || room.rooms.some((entry) => entry === '*' || target === entry || target.startsWith(`${entry}/`));
        if (!within && !permitted) faults.push(`${file} imports \`${target}\`: ${room.why}`);
      }
    }
    expect(faults).toEqual([]);
  });

  it('has no import circle', () => {
    const graph = new Map(
      files.map((file) => [
        file,
        importsOf(file)
          .filter((specifier) => specifier.startsWith('.'))
          .map((specifier) => relative(root, resolve(root, dirname(file), specifier))),
      ]),
    );
    const state = new Map<string, 'open' | 'done'>();
    const circles: string[] = [];
    const visit = (file: string, trail: readonly string[]): void => {
      if (state.get(file) === 'done') return;
      if (state.get(file) === 'open') {
        circles.push([...trail.slice(trail.indexOf(file)), file].join(' → '));
        return;
      }
      state.set(file, 'open');
      for (const next of graph.get(file) ?? []) visit(next, [...trail, file]);
      state.set(file, 'done');
    };
    for (const file of files) visit(file, []);
    expect(circles).toEqual([]);
  });

  it('keeps every file within 400 lines', () => {
    const long = files
      .map((file) => ({ file, lines: readFileSync(join(root, file), 'utf8').split('\n').length - 1 }))
      .filter(({ lines }) => lines > 400);
    expect(long).toEqual([]);
  });

  it('names files for what they hold: no utils, helpers, manager, common, no barrels, kebab-case', () => {
    const odd = files.filter((file) => {
      const base = file.split('/').at(-1) ?? '';
      return (
        /utils|helpers|manager|common/.test(file) ||
        base === 'index.ts' ||
        !/^[a-z0-9]+(-[a-z0-9]+)*(\.(test|generated))?\.tsx?$/.test(base)
      );
    });
    expect(odd).toEqual([]);
  });

  it('opens every source file with a comment that says which step of the road it is', () => {
    const silent = files
      .filter((file) => !file.startsWith('test/'))
      .filter((file) => !/^(#!.*\n)?\s*(\/\/|\/\*)/.test(readFileSync(join(root, file), 'utf8')));
    expect(silent).toEqual([]);
  });

  it('locks every package of every platform: `npm ci` refuses a lock file that lacks one, here or elsewhere', () => {
    const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { readonly version?: string; readonly optionalDependencies?: Record<string, string> }>;
    };
    const locked = new Set(
      Object.entries(lock.packages).map(([path, { version }]) =>
        version === undefined ? '' : path.split('node_modules/').at(-1),
      ),
    );
    const asked = Object.values(lock.packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}));
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.filter((name) => !locked.has(name))).toEqual([]);
  });
});
