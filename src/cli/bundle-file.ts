// Reads a bundle file (JSON, or YAML) and takes it down the same road as a pushed one: parse, compile, the drivers' addresses.

import { readFileSync } from 'node:fs';
import type { DriverModule } from '../contract/driver.ts';
import { type CompiledPolicy, compilePolicy } from '../daemon/compile-policy.ts';
import { readYaml } from '../daemon/read-yaml.ts';
import type { DocumentFault } from '../model/fault.ts';
import type { NonEmpty, Result } from '../model/result.ts';
import { badInput } from './exit.ts';

/** Throws a CommandFault where the file cannot be read at all; everything wrong inside is a list of faults. */
export async function readBundle(
  file: string,
  drivers: readonly DriverModule[],
): Promise<Result<CompiledPolicy, NonEmpty<DocumentFault>>> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw badInput(`could not read \`${file}\`: ${error instanceof Error ? error.message : String(error)}`);
  }
  const document = parseText(text);
  return document.ok ? compilePolicy(document.value, drivers) : document;
}

function parseText(text: string): Result<unknown, NonEmpty<DocumentFault>> {
  if (/^\s*[{[]/.test(text)) {
    try {
      return { ok: true, value: JSON.parse(text) };
    } catch {
      // Flow-style YAML begins like JSON: the YAML parser below says what is wrong, with line and column.
    }
  }
  return readYaml(text);
}
