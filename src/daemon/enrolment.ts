// What `gatehouse enrol` leaves in the data folder: which cloud this gateway belongs to. A `cloud` section of the
// configuration goes before it. Secrets stay in files of their own.

import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { StartFault } from '../contract/driver.ts';
import { ENROLMENT_FILE } from './memory-files.ts';

const enrolmentSchema = z.strictObject({
  url: z.string(),
  username: z.string().optional(),
  passwordFile: z.string().optional(),
  caFile: z.string().optional(),
  certificateFile: z.string().optional(),
  keyFile: z.string().optional(),
});

/** Absolute paths. */
export type Enrolment = z.output<typeof enrolmentSchema>;

/** Undefined before the first enrolment. @throws StartFault `enrolment` */
export function readEnrolment(data: string): Enrolment | undefined {
  const file = join(data, ENROLMENT_FILE);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new StartFault('enrolment', `cannot read \`${file}\`: ${(error as Error).message}`);
  }
  try {
    return enrolmentSchema.parse(JSON.parse(text));
  } catch {
    throw new StartFault('enrolment', `got something else in \`${file}\`, expected what \`gatehouse enrol\` wrote`);
  }
}

export function writeEnrolment(data: string, enrolment: Enrolment): void {
  const file = join(data, ENROLMENT_FILE);
  writeFileSync(`${file}.new`, JSON.stringify(enrolment), { mode: 0o600, flush: true });
  renameSync(`${file}.new`, file);
}
