// Why something is as it is, in the reader's language where the gateway gave its code; else as the gateway, a device or a person said it.

import type { ApiReason } from '../http/schema-shared.ts';
import { t, word } from './words.ts';

/** What holds a word of a closed list, and of which. */
const WORDS: { readonly [hole: string]: readonly string[] } = {
  state: ['row', 'job.at', 'job.state'],
  reason: ['reason'],
  class: ['one'],
};

function filled(name: string, part: string | ApiReason): string {
  if (typeof part !== 'string') return phrase(part);
  // Names of others are not shown to everybody.
  if (name === 'who' && part === 'somebody') return t('last.someone');
  for (const prefix of WORDS[name] ?? []) {
    const said = word(prefix, part);
    if (said !== part) return said;
  }
  return part;
}

function phrase({ code, data }: ApiReason): string {
  const values = Object.fromEntries(Object.entries(data).map(([name, part]) => [name, filled(name, part)]));
  return t(`why.${code}`, values);
}

interface Said {
  readonly reason?: ApiReason | undefined;
  /** In the gateway's own words. */
  readonly text: string;
}

/** To stand behind a colon. */
export const clause = ({ reason, text }: Said): string => (reason ? phrase(reason) : text);

export function sentence(said: Said): string {
  const text = clause(said);
  return text.charAt(0).toUpperCase() + text.slice(1);
}
