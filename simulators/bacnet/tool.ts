// A small BACnet tool for everybody: `node dist/simulators/bacnet/tool.js read 1001 analog-input,1`. It knows nothing of
// Gatehouse: it asks who is there, and speaks to whom it finds behind whatever router.

import { parseArgs } from 'node:util';
import { BacnetClient, outcomeText } from './client.ts';
import type { Element } from './elements.ts';
import { ERROR, type ObjectText, objectRef, PROPERTY, type PropertyName } from './names.ts';
import type { Peer } from './peer.ts';
import { ask, say } from './requests.ts';
import { app, shown } from './values.ts';

const HELP = `node dist/simulators/bacnet/tool.js COMMAND [options]

  who-is                                    who answers, and where
  read DEVICE OBJECT [PROPERTY]             such as: read 1001 analog-input,1
  write DEVICE OBJECT VALUE                 such as: write 1001 analog-value,1 21.5 --priority 8
  watch DEVICE OBJECT                       subscribes to changes of value and prints them until Ctrl-C

DEVICE is the instance, VALUE a number, \`null\`, or a text in quotes; of binary objects 0 or 1.

  --from ADDRESS   the address to work from            (default 127.0.0.66)
  --port N         BACnet's port, here and there       (default 47808)
  --broadcast A    where Who-Is goes                   (default 127.255.255.255)
  --property NAME  of write                            (default present-value)
  --priority N     of write
  --index N        of read and write`;

const WAIT_MS = 1500;

interface Words {
  readonly positionals: readonly string[];
  readonly values: {
    readonly from: string;
    readonly port: string;
    readonly broadcast: string;
    readonly property?: string | undefined;
    readonly priority?: string | undefined;
    readonly index?: string | undefined;
    readonly help?: boolean | undefined;
  };
}

async function main(words: readonly string[]): Promise<number> {
  const given: Words = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      from: { type: 'string', default: '127.0.0.66' },
      port: { type: 'string', default: '47808' },
      broadcast: { type: 'string', default: '127.255.255.255' },
      property: { type: 'string' },
      priority: { type: 'string' },
      index: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  const [command, device, object, value] = given.positionals;
  const { from, port, broadcast } = given.values;
  if (given.values.help || command === undefined) {
    console.log(HELP);
    return 0;
  }
  const client = await BacnetClient.open({ host: from, port: number(port), broadcastAddress: broadcast, retries: 2 });
  try {
    switch (command) {
      case 'who-is':
        return await whoIs(client);
      case 'read':
        return await read(client, await find(client, device), { object, property: value, index: given.values.index });
      case 'write':
        return await write(client, await find(client, device), object, value, given.values);
      case 'watch':
        return await watch(client, await find(client, device), object);
      default:
        throw new Error(`got \`${command}\`, expected who-is, read, write or watch`);
    }
  } finally {
    await client.stop();
  }
}

function number(text: string | undefined): number {
  const value = Number(text);
  if (text === undefined || text === '' || !Number.isFinite(value))
    throw new Error(`got \`${text ?? ''}\`, expected a number`);
  return value;
}

function objectIn(text: string | undefined): ObjectText {
  objectRef(text ?? '');
  return text as ObjectText;
}

function propertyIn(text: string | undefined): PropertyName | number {
  if (text === undefined) return 'present-value';
  return Object.hasOwn(PROPERTY, text) ? (text as PropertyName) : number(text);
}

async function find(client: BacnetClient, text: string | undefined): Promise<Peer> {
  const instance = number(text);
  const found = await client.discover(1, { low: instance, high: instance }).catch(() => []);
  if (found[0] === undefined) throw new Error(`device ${instance} did not answer`);
  return found[0].peer;
}

/** How long answers to Who-Is are waited for: nobody says that all have come. */
const LISTENS_MS = 5000;

async function whoIs(client: BacnetClient): Promise<number> {
  client.tell(say.whoIs());
  await new Promise((resolve) => setTimeout(resolve, LISTENS_MS));
  for (const { instance, peer, maxApdu, vendor } of client.found) {
    const behind =
      peer.route === undefined ? '' : ` behind it network ${peer.route.network}, MAC ${peer.route.mac.toString('hex')}`;
    console.log(
      `device ${instance} at ${peer.endpoint.host}:${peer.endpoint.port}${behind}, max APDU ${maxApdu}, vendor ${vendor}`,
    );
  }
  return client.found.length > 0 ? 0 : 1;
}

async function read(
  client: BacnetClient,
  peer: Peer,
  what: {
    readonly object: string | undefined;
    readonly property: string | undefined;
    readonly index: string | undefined;
  },
): Promise<number> {
  const index = what.index === undefined ? {} : { index: number(what.index) };
  const one = { object: objectIn(what.object), property: propertyIn(what.property), ...index };
  console.log(shown(await client.read(peer, one)));
  return 0;
}

async function write(
  client: BacnetClient,
  peer: Peer,
  object: string | undefined,
  value: string | undefined,
  options: Words['values'],
): Promise<number> {
  const target = objectIn(object);
  const request = ask.writeProperty({
    object: target,
    property: propertyIn(options.property),
    value: [elementOf(target, value)],
    ...(options.index === undefined ? {} : { index: number(options.index) }),
    ...(options.priority === undefined ? {} : { priority: number(options.priority) }),
  });
  const outcome = await client.request(peer, request);
  console.log(outcome.kind === 'simple-ack' ? 'done' : describe(outcomeText(outcome)));
  return outcome.kind === 'simple-ack' ? 0 : 1;
}

function elementOf(object: string, text: string | undefined): Element {
  if (text === 'null') return app.null();
  if (text !== undefined && /[^\d.eE+-]/.test(text)) return app.text(text);
  if (object.startsWith('binary')) return app.enumerated(number(text));
  return object.startsWith('multi-state') ? app.unsigned(number(text)) : app.real(number(text));
}

/** `error 2,40` with the standard's word for the code. */
function describe(text: string): string {
  const [, pair = ''] = /^error (\d+,\d+)$/.exec(text) ?? [];
  const name = Object.entries(ERROR).find(([, value]) => String(value) === pair)?.[0];
  return name === undefined ? text : `${text} (${name})`;
}

async function watch(client: BacnetClient, peer: Peer, object: string | undefined): Promise<number> {
  await client.acknowledged(peer, ask.subscribeCov(process.pid & 0xffff, objectIn(object), false, 300));
  let told = 0;
  const stop = new Promise<void>((resolve) => process.once('SIGINT', () => resolve()));
  const timer = setInterval(() => {
    for (const { service, parameters } of client.notifications.slice(told))
      console.log(`${service}: ${shown(parameters)}`);
    told = client.notifications.length;
  }, WAIT_MS / 10);
  await stop;
  clearInterval(timer);
  return 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
