// Reasons: what is said is read back to its code, every code has its words in every language, and the engine says nothing else.

import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { REASONS, type ReasonCode, reason, reasonOf } from '../../src/contract/reasons.ts';
import { ACTIONS } from '../../src/model/action.ts';
import { de } from '../../src/web/messages/de.ts';
import { en } from '../../src/web/messages/en.ts';

const codes = Object.keys(REASONS) as ReasonCode[];
const holesOf = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name).sort();
const say = reason as (code: ReasonCode, data?: { readonly [name: string]: string | number }) => string;

describe('a reason', () => {
  it('has words in every language, with the same places to fill in', () => {
    for (const [name, messages] of Object.entries({ en, de })) {
      const said = messages as { readonly [key: string]: string };
      for (const code of codes) {
        expect([name, code, holesOf(said[`why.${code}`] ?? '')]).toEqual([name, code, holesOf(REASONS[code])]);
      }
      const known = new Set(codes.map((code) => `why.${code}`));
      expect(Object.keys(said).filter((key) => key.startsWith('why.') && !known.has(key))).toEqual([]);
    }
    const same = codes.filter(
      (code) => en[`why.${code}`] === de[`why.${code}`] && /[a-z]{3}/.test(en[`why.${code}`].replace(/\{\w+\}/g, '')),
    );
    expect(same).toEqual([]);
  });

  it('has beside it what every right is called', () => {
    for (const messages of [en, de]) {
      expect(Object.keys(ACTIONS).filter((action) => !(`action.${action}` in messages))).toEqual([]);
    }
  });

  it('is read back from its sentence, with what it names', () => {
    const part = fc.stringMatching(/^[a-zA-Z0-9/.-]{1,12}$/);
    fc.assert(
      fc.property(fc.constantFrom(...codes), fc.array(part, { minLength: 3, maxLength: 3 }), (code, parts) => {
        // Of two sentences one has to be known.
        if (code === 'both') return;
        const data = Object.fromEntries(holesOf(REASONS[code]).map((name, at) => [name, parts[at] ?? 'x']));
        expect(reasonOf(say(code, data))).toEqual({ code, data });
      }),
      { numRuns: 400 },
    );
  });

  it('holds another one, and somebody’s own words as they are', () => {
    const inner = reason('may-not-undo', { class: 'command' });
    expect(reasonOf(reason('cannot-end', { why: inner }))).toEqual({
      code: 'cannot-end',
      data: { why: { code: 'may-not-undo', data: { class: 'command' } } },
    });
    expect(reasonOf(reason('both', { first: 'error 2,40', second: reason('boot-loader') }))).toEqual({
      code: 'both',
      data: { first: 'error 2,40', second: { code: 'boot-loader', data: {} } },
    });
    expect(reasonOf('not before noon; ask Carla')).toBeUndefined();
    expect(reasonOf('')).toBeUndefined();
  });

  it('is the only way the engine says why', () => {
    const folder = new URL('../../src/jobs/', import.meta.url).pathname;
    const said = readdirSync(folder)
      .filter((file) => file.endsWith('.ts') && file !== 'machine.ts')
      .flatMap((file) =>
        [
          ...readFileSync(`${folder}${file}`, 'utf8').matchAll(
            /\b(?:why|fault|unknown|remark): ['`][^'`]+['`]|\b(?:fail|impossible|unfit|whyOf)\(['`]/g,
          ),
        ].map(([found]) => `${file}: ${found}`),
      );
    expect(said).toEqual([]);
  });
});
