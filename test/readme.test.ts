// Holds the README to the code: every code, every script and every dependency is listed, none that is not there.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { COMMAND_REFUSALS } from '../src/cloud/command-refusals.ts';
import { NACKS } from '../src/cloud/nack.ts';
import { IMAGE_FAULTS } from '../src/contract/images.ts';
import { SESSION_REFUSALS } from '../src/contract/tool-session.ts';
import { GATE_REASONS, POLICY_REASONS } from '../src/model/decision.ts';
import { storeFaultCodes } from '../src/store/store-fault.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
}

const texts = [...sources('src'), ...sources('drivers')];

function found(pattern: RegExp): string[] {
  return [...new Set(texts.flatMap((text) => [...text.matchAll(pattern)].map((match) => match[1] ?? '')))].sort();
}

const expected: Record<string, readonly string[]> = {
  'denied by the policy': POLICY_REASONS,
  'denied by the gate': GATE_REASONS,
  'session refused': SESSION_REFUSALS,
  'policy refused': Object.keys(NACKS),
  'command refused': Object.keys(COMMAND_REFUSALS),
  'store fault': Object.keys(storeFaultCodes),
  'image refused': IMAGE_FAULTS,
  'start fault': found(/new StartFault\(\s*'([a-z0-9-]+)'/g),
  'log event': found(/\bwrite\(\s*(?:'(?:debug|info|warn|error)'|[a-zA-Z.]+),\s*'([a-z0-9-]+\.[a-z0-9-]+)'/g),
};

function table(): Record<string, string[]> {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const block = /<!-- codes:begin -->([\s\S]*?)<!-- codes:end -->/.exec(readme)?.[1] ?? '';
  const rows = block.split('\n').filter((line) => line.startsWith('| ') && line.includes('`'));
  return Object.fromEntries(
    rows.map((line) => {
      const [, kind = '', codes = ''] = line.split('|').map((cell) => cell.trim());
      return [kind, [...codes.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '')];
    }),
  );
}

describe('the README', () => {
  for (const [kind, codes] of Object.entries(expected)) {
    it(`lists every code of kind "${kind}", and no other`, () => {
      expect(codes.length).toBeGreaterThan(0);
      expect([...(table()[kind] ?? [])].sort()).toEqual([...codes].sort());
    });
  }

  it('names no script that package.json lacks', () => {
    const places = [
      'README.md',
      'simulators/cloud/README.md',
      'drivers/modbus/README.md',
      'drivers/bacnet/README.md',
      'src/jobs/README.md',
    ];
    const readme = places.map((place) => readFileSync(join(root, place), 'utf8')).join('\n');
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const named = [...readme.matchAll(/npm run ([a-z0-9:]+)/g)].map((match) => match[1] ?? '');
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
  });

  it('says of every dependency why it is there', () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    const [, rows = ''] = /## Dependencies\n([\s\S]*?)\n## /.exec(readme) ?? [];
    const named = [...rows.matchAll(/^\| (`[^|]*) \|/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name),
    );
    const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      [section in 'dependencies' | 'devDependencies']: Record<string, string>;
    };
    expect(named.sort()).toEqual(Object.keys({ ...dependencies, ...devDependencies }).sort());
  });
});
