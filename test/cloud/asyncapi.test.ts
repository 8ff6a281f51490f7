// The published description of the messages: the committed file is what the code makes, and it is sound as AsyncAPI 3.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EXIT, type Terminal } from '../../src/cli/exit.ts';
import { runProgram } from '../../src/cli/program.ts';
import { asyncApiDocument, asyncApiText, jsonSchemaOf, SCHEMA_NAMES } from '../../src/cloud/asyncapi.ts';
import { matchTopic, TOPICS, topicOf } from '../../src/cloud/topics.ts';

type Json = { readonly [key: string]: unknown };

const document = JSON.parse(asyncApiText()) as Json;
const part = (...path: readonly string[]): Json =>
  path.reduce<Json>((value, key) => (value[key] ?? {}) as Json, document);

function refsOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === '$ref' && typeof inner === 'string' ? [inner] : refsOf(inner),
  );
}

async function cli(...words: string[]): Promise<{ out: string; err: string; exit: number }> {
  const said = { out: '', err: '', exit: EXIT.done as number };
  const terminal: Terminal = {
    out: (text) => {
      said.out += `${text}\n`;
    },
    err: (text) => {
      said.err += text;
    },
    setExit: (code) => {
      said.exit = code;
    },
  };
  await runProgram(words, terminal);
  return said;
}

describe('the AsyncAPI document', () => {
  it('is the committed one', () => {
    const committed = readFileSync(new URL('../../src/cloud/asyncapi.generated.json', import.meta.url), 'utf8');
    expect(committed, 'make it again: npx gatehouse sync schema > src/cloud/asyncapi.generated.json').toBe(
      asyncApiText(),
    );
  });

  it('has what AsyncAPI 3.0 requires, and every reference leads somewhere', () => {
    expect(document).toMatchObject({
      asyncapi: '3.0.0',
      info: { title: expect.any(String), version: expect.any(String) },
    });
    const refs = refsOf(document);
    expect(refs.length).toBeGreaterThan(40);
    for (const ref of refs) {
      const found = ref
        .replace(/^#\//, '')
        .split('/')
        .reduce<unknown>((value, key) => (value as Json | undefined)?.[key], document);
      expect(found, ref).toBeTypeOf('object');
    }
    for (const [key, operation] of Object.entries(part('operations'))) {
      const { action, channel, messages } = operation as Json;
      expect(['send', 'receive'], key).toContain(action);
      expect(channel).toEqual({ $ref: `#/channels/${key}` });
      expect(messages).toEqual([{ $ref: `#/channels/${key}/messages/${key}` }]);
    }
  });

  it('has every topic, in the direction of the table, with the levels that vary as parameters', () => {
    expect(Object.keys(part('channels')).sort()).toEqual(Object.keys(TOPICS).sort());
    for (const [key, { way }] of Object.entries(TOPICS)) {
      const address = String(part('channels', key).address);
      const named = [...address.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect(Object.keys(part('channels', key, 'parameters'))).toEqual(named);
      const topic = address.replace('{gateway}', 'site-1').replace(/\{\w+\}/g, 'x');
      expect(topic).toBe(topicOf('site-1', key as keyof typeof TOPICS, 'x', 'x'));
      expect(matchTopic('site-1', topic)?.key).toBe(way === 'down' ? key : undefined);
      expect(part('operations', key).action).toBe(way === 'up' ? 'send' : 'receive');
    }
  });

  it('says of signed messages what is inside', () => {
    const command = part('components', 'messages', 'command');
    expect(command).toMatchObject({
      contentType: 'application/jose',
      'x-jws': { alg: 'EdDSA', typ: 'gatehouse.command+jws', payload: { $ref: '#/components/schemas/command' } },
    });
    expect(part('components', 'messages', 'root').contentType).toBe('application/jose+json');
    expect(jsonSchemaOf('command')).toMatchObject({
      type: 'object',
      additionalProperties: false,
      required: expect.arrayContaining(['format', 'jti', 'sub', 'aud', 'iat', 'exp', 'operation']),
    });
    expect(Object.keys((asyncApiDocument().components as Json).schemas as Json)).toEqual([...SCHEMA_NAMES]);
  });

  it('is what `gatehouse sync schema` prints; one schema alone has its name', async () => {
    expect(await cli('sync', 'schema')).toEqual({ out: asyncApiText(), err: '', exit: EXIT.done });
    const { out, exit } = await cli('sync', 'schema', 'report');
    expect(JSON.parse(out)).toMatchObject({ $schema: expect.stringContaining('draft-07'), type: 'object' });
    expect(exit).toBe(EXIT.done);
    const wrong = await cli('sync', 'schema', 'reprot');
    expect(wrong).toMatchObject({
      out: '',
      exit: EXIT.badInput,
      err: expect.stringContaining('expected one of state'),
    });
  });
});
