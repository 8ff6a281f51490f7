// The passwords of the demo's people, encrypted to the gateway's own key as it says it over the broker.

import { connectAsync } from 'mqtt';
import type { BundlePart } from '../cloud/bundle-parts.ts';
import { credentialsPart, encryptSecrets } from '../cloud/credentials-part.ts';
import { hashPassword } from '../cloud/password.ts';
import { type GatewayKeys, readGatewayKeys } from '../cloud/reading.ts';
import { DemoFault } from './options.ts';
import { GATEWAY } from './policy.ts';

/** Everybody's on the demo's page. */
export const DEMO_PASSWORD = 'gatehouse-demo';
const PEOPLE = ['anna', 'ben', 'carla', 'dora'];
const TIMEOUT_MS = 30_000;

/** The same part as long as the gateway has the same key, so that a push stays a delta. */
const made = new Map<string, Promise<BundlePart>>();

export async function demoCredentials(brokerUrl: string): Promise<BundlePart> {
  const keys = await keysOf(brokerUrl);
  const part = made.get(keys.encryption.kid) ?? makePart(keys);
  made.set(keys.encryption.kid, part);
  return part;
}

async function makePart(keys: GatewayKeys): Promise<BundlePart> {
  const hash = await hashPassword(DEMO_PASSWORD);
  const users = PEOPLE.map((id) => ({ id, password: hash }));
  return credentialsPart(await encryptSecrets({ users, applications: [] }, keys));
}

/** The retained message `key`; a real console compares its fingerprint with people first. */
async function keysOf(brokerUrl: string): Promise<GatewayKeys> {
  const client = await connectAsync(brokerUrl, { reconnectPeriod: 0 });
  try {
    const heard = new Promise<string>((resolve, reject) => {
      const late = () => reject(new DemoFault(`the gateway did not say its keys within ${TIMEOUT_MS} ms`));
      const timer = setTimeout(late, TIMEOUT_MS);
      client.once('message', (_topic, payload) => {
        clearTimeout(timer);
        resolve(payload.toString());
      });
    });
    await client.subscribeAsync(`gatehouse/v1/${GATEWAY}/key`, { qos: 1 });
    return readGatewayKeys(await heard, GATEWAY);
  } finally {
    await client.endAsync(true);
  }
}
