// The compiled gateway before the demo's plant, with as many points more as a bench asks for, and people to sign in.

import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { startBroker } from '../../simulators/cloud/broker.ts';
import { createConsole } from '../../simulators/cloud/console.ts';
import { credentialsPart, encryptSecrets } from '../../simulators/cloud/credentials-part.ts';
import { hashPassword } from '../../simulators/cloud/password.ts';
import { PLANT_NETWORK_NUMBER, withBacnet } from '../../simulators/demo/bacnet-part.ts';
import { startGateway } from '../../simulators/demo/gateway.ts';
import { gatewayConfig } from '../../simulators/demo/gateway-config.ts';
import { openKeys } from '../../simulators/demo/keys.ts';
import { demoBundle, GATEWAY } from '../../simulators/demo/policy.ts';
import { type PlantLine, startPlant } from '../../simulators/modbus/plant.ts';
import { openGatewayKeys } from '../../src/cloud/gateway-keys.ts';

export const PASSWORD = 'a long enough password';

export interface Place {
  readonly host: string;
  readonly port: number;
}

export interface LargeSiteOptions {
  readonly folder: string;
  /** What is to be ended, the last first. */
  readonly closers: (() => unknown)[];
  readonly points: number;
  /** `page0` and so on, each an operator. */
  readonly people: number;
  /** Where browsers reach it; absent: as they say. */
  readonly origin?: string;
  /** Of a process of their own; absent: the Modbus plant, in this one. */
  readonly plants?: {
    readonly modbus: { readonly [line in PlantLine]: Place };
    readonly bacnet: Place;
  };
}

export interface LargeSite {
  readonly port: number;
  readonly modbus: number;
  /** The router's port, 0 where there is no BACnet; the plant is behind this network number. */
  readonly bacnet: number;
  readonly bacnetNetwork: number;
  readonly pid: number;
  readonly data: string;
}

export async function openLargeSite(options: LargeSiteOptions): Promise<LargeSite> {
  const { folder, closers, points, people, origin, plants } = options;
  const keys = openKeys(folder);
  const broker = await startBroker();
  closers.push(() => broker.close());
  const lines = plants?.modbus ?? (await ownPlant(closers));
  const configFile = join(folder, 'gatehouse.yaml');
  const [socket, data] = [join(folder, 'control.sock'), join(folder, 'data')];
  const ports = { modbus: 0, meters: 0, secure: 0, health: 0 };
  const bacnet = plants && { port: 0, plantPort: plants.bacnet.port };
  const places = { rootFile: keys.rootFile, socket, brokerUrl: broker.url, plant: lines, ports };
  const text = gatewayConfig({ ...places, ...(bacnet && { bacnet }) });
  const reached = origin === undefined ? '' : `, origin: ${JSON.stringify(origin)}`;
  await writeFile(configFile, `${text}http: { address: 127.0.0.1, port: 0${reached} }\n`);
  const gateway = await startGateway(configFile, () => {}, process.env, resolve('dist/src/main.js'));
  closers.push(() => gateway.stop());
  const cloud = await createConsole({ brokerUrl: broker.url, policyKey: keys.policyKey });
  closers.push(() => cloud.close());
  const { x } = (JSON.parse(readFileSync(join(data, 'gateway-keys.json'), 'utf8')) as { encryption: { x: string } })
    .encryption;
  const kid = openGatewayKeys(data, Date.now()).encryptionKid;
  const password = await hashPassword(PASSWORD);
  const users = Array.from({ length: people }, (_, at) => ({ id: `page${at}`, password }));
  const encryption = { kty: 'OKP', crv: 'X25519', x, kid };
  const jwe = await encryptSecrets({ users, applications: [] }, { encryption } as Parameters<typeof encryptSecrets>[1]);
  const revision = keys.nextRevision();
  const bundle = bundleOf(revision, points, people);
  await cloud.push(GATEWAY, plants ? withBacnet(bundle) : bundle, { credentials: credentialsPart(jwe) });
  const report = await cloud.waitForReport(GATEWAY, revision);
  if (report.state !== 'active') throw new Error(`the policy was not taken: ${JSON.stringify(report)}`);
  const portOf = (name: string): number => gateway.ports.get(name) ?? 0;
  return {
    port: portOf('http'),
    modbus: portOf('plant'),
    bacnet: portOf('bacnet-north'),
    bacnetNetwork: PLANT_NETWORK_NUMBER,
    pid: gateway.pid,
    data,
  };
}

async function ownPlant(closers: (() => unknown)[]): Promise<{ readonly [line in PlantLine]: Place }> {
  const plant = await startPlant({ tickMs: 1000 });
  closers.push(() => plant.stop());
  return plant.lines;
}

/** The demo's policy with as many points as asked for, of devices that nothing is read from, and people for the pages. */
function bundleOf(revision: number, count: number, people: number): ReturnType<typeof demoBundle> {
  const bundle = demoBundle(revision) as unknown as {
    users: object[];
    organizations: [{ devices: object[]; points: object[]; grants: object[] }];
  };
  const [acme] = bundle.organizations;
  const devices = Math.ceil(count / 100);
  acme.devices = [
    ...acme.devices,
    ...Array.from({ length: devices }, (_, at) => ({ id: `room${at}`, name: `Room ${at}`, location: 'hq' })),
  ];
  acme.points = [
    ...acme.points,
    ...Array.from({ length: count }, (_, at) => {
      // One device has a fifth of them all.
      const device = at < count / 5 ? 'room0' : `room${at % devices}`;
      const isSensor = at % 4 > 0;
      const what = isSensor
        ? { class: 'sensor', facts: { sensor: true } }
        : { class: 'set-point', facts: { sp: true } };
      return { id: `${device}/p${at}`, name: `Point ${at}`, device, unit: '°C', ...what };
    }),
  ];
  for (let at = 0; at < people; at += 1) {
    bundle.users = [...bundle.users, { id: `page${at}`, name: `Page ${at}`, home: 'acme', login: `page${at}` }];
    acme.grants = [...acme.grants, { to: `user:page${at}`, role: 'operator', at: 'hq' }];
  }
  return bundle as unknown as ReturnType<typeof demoBundle>;
}
