// The program's version, as package.json says it: from sources (two folders up) and from dist (three) alike.

import { existsSync, readFileSync } from 'node:fs';

function readVersion(): string {
  for (const place of ['../../package.json', '../../../package.json']) {
    const file = new URL(place, import.meta.url);
    if (!existsSync(file)) continue;
    const { name, version } = JSON.parse(readFileSync(file, 'utf8')) as { name?: string; version?: string };
    if (name === 'gatehouse' && version) return version;
  }
  return 'unknown';
}

export const VERSION = readVersion();
