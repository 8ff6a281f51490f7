// What a schema cannot say of the driver's section: two things in one place, names that lead nowhere.

import type { DocumentFault } from '../../src/model/fault.ts';
import type { BacnetSection, LinkConfig, PlantNetworkConfig } from './config.ts';

/** Every fault across a parsed section; paths count from the section. */
export function checkConfiguration(section: BacnetSection): readonly DocumentFault[] {
  const links: [string, LinkConfig][] = [
    ['north', section.north],
    ...Object.entries(section.networks).map(([name, config]): [string, LinkConfig] => [`networks.${name}`, config]),
  ];
  return [
    ...placeFaults(links),
    ...numberFaults(section),
    ...links.flatMap(([path, config]) => linkFaults(path, config)),
    ...applicationFaults(section),
    ...serviceFaults(section),
  ];
}

/** Whether a text is `number/mac` of a station a plant network may have: `undefined`, or what is expected. */
export function checkStation({ networks }: BacnetSection, text: string): string | undefined {
  const [, number, mac = ''] = /^(\d+)\/((?:[0-9a-f]{2}){1,7})$/.exec(text) ?? [];
  const all = Object.values(networks);
  const network = all.find((one) => numbersOf(one).some((own) => String(own) === number));
  // On the B/IP network itself a MAC is an address and a port (J.1.2); behind a router it may be anything.
  const isOnWire = String(network?.networkNumber) === number;
  if (network !== undefined && (!isOnWire || mac.length === 12)) return undefined;
  return `\`number/mac\` of a station of a plant network, such as \`${all[0]?.networkNumber ?? 1}/c0000207bac0\``;
}

/** A network's own number and those behind its routers. */
function numbersOf({ networkNumber, routers }: PlantNetworkConfig): readonly number[] {
  return [networkNumber, ...routers.flatMap(({ networks }) => networks)];
}

/** Two links on one port would hear each other's broadcasts, and a bound address cannot be had twice. */
function placeFaults(links: readonly [string, LinkConfig][]): DocumentFault[] {
  return links.flatMap(([path, config], at): DocumentFault[] => {
    if (config.address === '0.0.0.0')
      return [
        { path: `${path}.address`, found: '`0.0.0.0`', expected: 'the one address the gateway has on this network' },
      ];
    if (config.port === 0) return [];
    const before = links.slice(0, at).filter(([, other]) => other.port === config.port);
    const same = before.find(([, other]) => other.address === config.address);
    if (same !== undefined)
      return [
        {
          path: `${path}.port`,
          found: `\`${config.address}\` port \`${config.port}\`, which is \`${same[0]}\``,
          expected: 'an address and port of its own',
        },
      ];
    const { broadcastAddress } = config;
    const heard = before.find(
      ([, other]) => broadcastAddress !== undefined && other.broadcastAddress === broadcastAddress,
    );
    if (heard === undefined) return [];
    return [
      {
        path: `${path}.broadcastAddress`,
        found: `\`${broadcastAddress}\` port \`${config.port}\`, which is heard by \`${heard[0]}\``,
        expected: 'a broadcast address or port of its own, or broadcasts would pass by the gate',
      },
    ];
  });
}

function numberFaults({ north, networks }: BacnetSection): DocumentFault[] {
  const taken = new Map<number, string>([[north.networkNumber, 'north.networkNumber']]);
  const faults: DocumentFault[] = [];
  const take = (number: number, path: string): void => {
    const first = taken.get(number);
    if (first === undefined) taken.set(number, path);
    else faults.push({ path, found: `\`${number}\`, which is \`${first}\``, expected: 'a network number of its own' });
  };
  for (const [name, { networkNumber }] of Object.entries(networks))
    take(networkNumber, `networks.${name}.networkNumber`);
  for (const [name, { routers }] of Object.entries(networks)) {
    for (const [at, router] of routers.entries())
      for (const [place, number] of router.networks.entries())
        take(number, `networks.${name}.routers.${at}.networks.${place}`);
  }
  return faults;
}

function linkFaults(path: string, config: LinkConfig): DocumentFault[] {
  const faults: DocumentFault[] = [];
  if (config.foreignDevices !== undefined && config.bbmd === undefined)
    faults.push({
      path: `${path}.foreignDevices`,
      found: 'foreign devices without a BBMD',
      expected: `\`${path}.bbmd\` as well: only a BBMD takes registrations`,
    });
  if (config.foreignDeviceOf !== undefined && config.bbmd !== undefined)
    faults.push({
      path: `${path}.foreignDeviceOf`,
      found: 'a foreign device that is a BBMD as well',
      expected: 'one of `foreignDeviceOf` and `bbmd` (J.5.2)',
    });
  const own = (place: { readonly address: string; readonly port: number }): boolean =>
    place.address === config.address && place.port === config.port;
  for (const [at, peer] of (config.bbmd?.peers ?? []).entries())
    if (own(peer))
      faults.push({
        path: `${path}.bbmd.peers.${at}`,
        found: `\`${peer.address}\` port \`${peer.port}\`, the gateway itself`,
        expected: 'another BBMD',
      });
  if (config.foreignDeviceOf !== undefined && own(config.foreignDeviceOf))
    faults.push({
      path: `${path}.foreignDeviceOf`,
      found: 'the gateway itself',
      expected: 'the address of a BBMD',
    });
  return faults;
}

function applicationFaults({ applications, networks }: BacnetSection): DocumentFault[] {
  const seen = new Map<string, number>();
  return applications.flatMap(({ network, networkNumber, mac, instance }, at): DocumentFault[] => {
    const path = `applications.${at}`;
    const found: PlantNetworkConfig | undefined = networks[network];
    if (found === undefined)
      return [{ path: `${path}.network`, found: `\`${network}\``, expected: 'the name of a plant network' }];
    if ((mac === undefined) === (instance === undefined))
      return [
        {
          path,
          found: mac === undefined ? 'neither `mac` nor `instance`' : '`mac` and `instance`',
          expected: 'one of them',
        },
      ];
    const numbers = numbersOf(found);
    if (networkNumber !== undefined && (mac === undefined || !numbers.includes(networkNumber)))
      return [
        {
          path: `${path}.networkNumber`,
          found: `\`${networkNumber}\``,
          expected: mac === undefined ? 'no such key beside `instance`' : `one of \`${numbers.join('`, `')}\``,
        },
      ];
    const key = `${networkNumber ?? found.networkNumber} ${mac ?? instance}`;
    const first = seen.get(key);
    if (first !== undefined)
      return [{ path, found: `the station of \`applications.${first}\``, expected: 'a station of its own' }];
    seen.set(key, at);
    return [];
  });
}

function serviceFaults({ privateServices }: BacnetSection): DocumentFault[] {
  const seen = new Map<string, number>();
  return privateServices.flatMap(({ vendor, service }, at): DocumentFault[] => {
    const key = `${vendor} ${service}`;
    const first = seen.get(key);
    if (first === undefined) {
      seen.set(key, at);
      return [];
    }
    return [
      {
        path: `privateServices.${at}`,
        found: `the service of \`privateServices.${first}\``,
        expected: 'one entry for each vendor and service',
      },
    ];
  });
}
