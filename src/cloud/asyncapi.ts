// The road between gateway and cloud as an AsyncAPI 3 document, made from the table of topics and the very definitions that
// parse. Invariant: `asyncapi.generated.json` is what this makes; a topic without a description does not compile.

import { z } from 'zod';
import { ACK_TYP, ackSchema, batchSchema, HEAD_TYP, headSchema } from './audit-form.ts';
import { COMMAND_TYP, commandSchema } from './command-form.ts';
import { credentialsSchema } from './credentials.ts';
import { CREDENTIALS_TYP, gatewayKeySchema, KEY_TYP } from './gateway-key-form.ts';
import { jobSchema } from './job-form.ts';
import { LOCKS_TYP, locksSchema } from './locks.ts';
import { MANIFEST_TYP, MAX_MESSAGE_BYTES, manifestSchema } from './manifest.ts';
import { locksReportSchema, reportSchema, rootReportSchema, stateSchema } from './report.ts';
import { resultSchema } from './result-form.ts';
import { ROOT_TYP, rootSchema } from './root.ts';
import { TOPICS, type TopicKey } from './topics.ts';

/** Of the messages, not of the software. */
const DOCUMENT_VERSION = '1.0.0';

/** What is signed or encrypted inside a message stands here too. */
const SCHEMAS = {
  state: stateSchema,
  manifest: manifestSchema,
  credentials: credentialsSchema,
  report: reportSchema,
  locks: locksSchema,
  locksReport: locksReportSchema,
  root: rootSchema,
  rootReport: rootReportSchema,
  gatewayKey: gatewayKeySchema,
  command: commandSchema,
  result: resultSchema,
  auditBatch: batchSchema,
  auditHead: headSchema,
  auditAck: ackSchema,
  job: jobSchema,
} as const;

type SchemaName = keyof typeof SCHEMAS;

/** How a payload is written: JSON; a JWS whose payload is that JSON; or bytes. */
type Form =
  | { readonly is: 'json'; readonly schema: SchemaName }
  | { readonly is: 'jws'; readonly schema: SchemaName; readonly typ: string; readonly general?: true }
  | { readonly is: 'bytes' };

interface Message {
  readonly form: Form;
  readonly summary: string;
  /** The levels of the topic that vary, in order. */
  readonly parameters?: Readonly<Record<string, string>>;
}

const jti = { id: 'the command’s `jti`' };

const MESSAGES = {
  state: {
    form: { is: 'json', schema: 'state' },
    summary: 'online, or offline as the will says; the policy in force and how the upload stands',
  },
  key: {
    form: { is: 'jws', schema: 'gatewayKey', typ: KEY_TYP },
    summary: 'the gateway’s own public keys, signed by the one it signs with',
  },
  root: {
    form: { is: 'jws', schema: 'root', typ: ROOT_TYP, general: true },
    summary: 'a new trusted root, signed by the threshold of the one before and by its own',
  },
  rootReported: {
    form: { is: 'json', schema: 'rootReport' },
    summary: 'the root that is trusted, and why another is not',
  },
  policyDesired: {
    form: { is: 'jws', schema: 'manifest', typ: MANIFEST_TYP },
    summary: 'the manifest: what the cloud wants in force, and the parts it consists of',
  },
  policyPart: {
    form: { is: 'bytes' },
    summary: `a chunk of a part’s gzip; unpacked, the part is UTF-8 JSON, a credentials part a JWE (\`${CREDENTIALS_TYP}\`, schema \`credentials\`)`,
    parameters: { sha256: 'of the part’s uncompressed bytes, lower-case hex', n: 'number of the chunk, from 0' },
  },
  policyLocks: {
    form: { is: 'jws', schema: 'locks', typ: LOCKS_TYP },
    summary: 'the whole list of locks on the fast road: stop this person now',
  },
  locksReported: {
    form: { is: 'json', schema: 'locksReport' },
    summary: 'the list of locks in force, or why it was refused',
  },
  policyReported: {
    form: { is: 'json', schema: 'report' },
    summary: 'what became of the last manifest: in force, or refused with its code and every fault',
  },
  command: {
    form: { is: 'jws', schema: 'command', typ: COMMAND_TYP },
    summary: 'a command of a cloud user; it expires and is never executed late or twice',
    parameters: jti,
  },
  result: {
    form: { is: 'json', schema: 'result' },
    summary: 'what became of a command: accepted, then done or refused, with the whole decision',
    parameters: jti,
  },
  auditBatch: {
    form: { is: 'json', schema: 'auditBatch' },
    summary: `journal rows in order; \`head\` is a JWS (\`${HEAD_TYP}\`, schema \`auditHead\`) by the gateway’s signing key`,
  },
  auditAck: {
    form: { is: 'jws', schema: 'auditAck', typ: ACK_TYP },
    summary: 'the last row that is kept for good; only this moves the cursor',
  },
  jobs: {
    form: { is: 'json', schema: 'job' },
    summary: 'progress of work on several devices',
    parameters: { id: 'the job’s id' },
  },
} as const satisfies Record<TopicKey, Message>;

type Json = { readonly [key: string]: unknown };

/** One JSON Schema (draft 7) of what is parsed. What a refinement demands beyond it is not in it. */
export function jsonSchemaOf(name: SchemaName): Json {
  const { $schema: _same, ...schema } = z.toJSONSchema(SCHEMAS[name], { target: 'draft-7', io: 'input' });
  return schema;
}

export const SCHEMA_NAMES = Object.keys(SCHEMAS) as readonly SchemaName[];

const schemaRef = (name: SchemaName): Json => ({ $ref: `#/components/schemas/${name}` });

function messageOf(key: TopicKey): Json {
  const { form, summary }: Message = MESSAGES[key];
  const said = { name: key, summary };
  switch (form.is) {
    case 'json':
      return { ...said, contentType: 'application/json', payload: schemaRef(form.schema) };
    case 'bytes':
      return {
        ...said,
        contentType: 'application/gzip',
        payload: { type: 'string', format: 'binary', maxLength: MAX_MESSAGE_BYTES },
      };
    case 'jws':
      return {
        ...said,
        contentType: form.general ? 'application/jose+json' : 'application/jose',
        payload: form.general ? GENERAL_JWS : COMPACT_JWS,
        'x-jws': { alg: 'EdDSA', typ: form.typ, payload: schemaRef(form.schema) },
      };
  }
}

const COMPACT_JWS: Json = {
  type: 'string',
  maxLength: MAX_MESSAGE_BYTES,
  pattern: '^[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+$',
};

const GENERAL_JWS: Json = {
  type: 'object',
  required: ['payload', 'signatures'],
  additionalProperties: false,
  properties: {
    payload: { type: 'string' },
    signatures: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        required: ['protected', 'signature'],
        additionalProperties: false,
        properties: { protected: { type: 'string' }, signature: { type: 'string' } },
      },
    },
  },
};

function channelOf(key: TopicKey): Json {
  const { parameters = {} }: Message = MESSAGES[key];
  const names = Object.keys(parameters);
  let next = 0;
  const name = TOPICS[key].name.replace(/\+/g, () => `{${names[next++]}}`);
  const described = Object.entries({ gateway: 'the gateway’s id', ...parameters }).map(
    ([parameter, description]) => [parameter, { description }] as const,
  );
  return {
    address: `gatehouse/v1/{gateway}/${name}`,
    parameters: Object.fromEntries(described),
    messages: { [key]: { $ref: `#/components/messages/${key}` } },
  };
}

/** As the gateway sees it: what goes up it sends, what comes down it receives. */
function operationOf(key: TopicKey): Json {
  const { way, retained } = TOPICS[key];
  return {
    action: way === 'up' ? 'send' : 'receive',
    channel: { $ref: `#/channels/${key}` },
    messages: [{ $ref: `#/channels/${key}/messages/${key}` }],
    bindings: {
      mqtt: way === 'up' ? { qos: 1, retain: retained, bindingVersion: '0.2.0' } : { qos: 1, bindingVersion: '0.2.0' },
    },
    ...(way === 'down' ? { 'x-retained': retained } : {}),
  };
}

function each<K extends string>(keys: readonly K[], make: (key: K) => Json): Json {
  return Object.fromEntries(keys.map((key) => [key, make(key)]));
}

/** The AsyncAPI 3.0 document of the gateway. */
export function asyncApiDocument(): Json {
  const topics = Object.keys(TOPICS) as readonly TopicKey[];
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Gatehouse, between gateway and cloud',
      version: DOCUMENT_VERSION,
      description: `MQTT 5, or 3.1.1: whatever a message needs, its JSON carries. QoS 1 throughout; no message is larger than ${MAX_MESSAGE_BYTES} bytes. A JWS is signed with Ed25519; whose key may sign what, the trusted root says.`,
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    defaultContentType: 'application/json',
    channels: each(topics, channelOf),
    operations: each(topics, operationOf),
    components: { messages: each(topics, messageOf), schemas: each(SCHEMA_NAMES, jsonSchemaOf) },
  };
}

/** As it stands in `asyncapi.generated.json`. */
export function asyncApiText(): string {
  return `${JSON.stringify(asyncApiDocument(), null, 2)}\n`;
}
