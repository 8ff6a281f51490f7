// What the demo prints when it is ready: who may do what, and commands to paste that show it.

import { join, relative } from 'node:path';
import { macOf } from '../bacnet/framing.ts';
import { PLANT_NETWORK_NUMBER } from './bacnet-part.ts';
import { DEMO_PASSWORD } from './credentials.ts';
import { checkout } from './options.ts';
import { SUPERVISOR_ADDRESS } from './policy.ts';
import type { DemoSite } from './site.ts';

const WHO_MAY_WHAT = `
  who            reads   set points,   alarm limits,    firmware   proved by
                         commands      parameters
  anyone         yes     –             –                –          nothing
  Ben            yes     –             –                –          a session for the address he works from
  Anna           yes     yes           –                –          a session for the address she works from
  Carla          yes     yes           yes              yes        a session, or her client certificate; firmware: signed in
  Dora           yes     –             ahu1, chiller1   chiller1   signed in
  supervisor     yes     demand limit  –                –          its fixed address, ${SUPERVISOR_ADDRESS}`;

/** The whole text; paths are as one would type them from here. */
export function guide(site: DemoSite, modbusPort: number, securePort: number | undefined): string {
  const here = (path: string): string => relative(process.cwd(), path) || path;
  const gatehouse = 'npx --no-install gatehouse';
  const socket = `--socket ${here(site.socket)}`;
  const data = `--data ${here(site.data)}`;
  const mbpoll = `mbpoll -m tcp -p ${modbusPort} -a 1 -0 -1`;
  const session = (person: string): string =>
    `${gatehouse} session open --as ${person} --from 127.0.0.1 --for 30m ${socket}`;
  const parts = [
    ['anyone reads the supply air temperature', [`${mbpoll} -r 0 -t 3:float -B 127.0.0.1`]],
    [
      'Anna changes its set point: the device says that it arrived',
      [session('anna'), `${mbpoll} -r 100 -t 4:float 127.0.0.1 -- 21.5`],
    ],
    [
      'one write over her set point and an alarm limit that is not hers: refused whole',
      [`${mbpoll} -r 100 -t 4:float 127.0.0.1 -- 20 30`],
    ],
    [
      'Ben is refused: the gateway says why, the device says nothing',
      [`${gatehouse} session end 127.0.0.1 ${socket}`, session('ben'), `${mbpoll} -r 100 -t 4:float 127.0.0.1 -- 19`],
    ],
    [
      'why, in all detail',
      [`${gatehouse} explain --principal ben --action point.write --targets ahu1/sat-sp --channel tool ${socket}`],
    ],
    ['what the record holds of it', [`${gatehouse} journal tail ${data}`, `${gatehouse} journal verify ${data}`]],
    ...bacnetParts(site, here, gatehouse),
    ...orderParts(site, here, gatehouse),
    [
      'how the gateway is',
      [`${gatehouse} status ${socket}`, `curl -s http://127.0.0.1:${site.gateway().ports.get('health')}/readyz`],
    ],
    ...(securePort === undefined ? [] : [secureRead(here(site.certificates), securePort)]),
  ] as const;
  const page = `\n  The page and the API: https://127.0.0.1:${site.gateway().ports.get('http') ?? 0}/ as anna, ben, carla or dora, password ${DEMO_PASSWORD}`;
  const commands = parts.map(([what, lines]) => `\n  # ${what}\n${lines.map((line) => `  ${line}`).join('\n')}`);
  return `${WHO_MAY_WHAT}\n${page}\n${commands.join('\n')}\n\n  Ctrl-C ends all of it; \`npm start -- --tour\` plays it by itself.\n`;
}

/** The demo's own small tool, so that everybody can try; any other does as well. */
function bacnetParts(
  site: DemoSite,
  here: (path: string) => string,
  gatehouse: string,
): readonly (readonly [string, readonly string[]])[] {
  const port = site.gateway().ports.get('bacnet-north') ?? 47_808;
  const from = (address: string): string =>
    `node ${here(join(checkout, 'dist/simulators/bacnet/tool.js'))} --from ${address}${port === 47_808 ? '' : ` --port ${port}`}`;
  const { host, port: plantPort } = site.bacnet.addresses.ahu2;
  const mac = macOf({ host, port: plantPort })
    .toString('hex')
    .replace(/(..)(?=.)/g, '$1:');
  const stack = `BACNET_IFACE=lo BACNET_IP_PORT=${port + 1}`;
  const route = `--mac 127.0.0.1:${port} --dnet ${PLANT_NETWORK_NUMBER} --dadr ${mac}`;
  const session = `${gatehouse} session open --as anna --from 127.0.0.2 --for 30m --socket ${here(site.socket)}`;
  return [
    [
      'BACnet: who is behind the gateway, and what anyone may read',
      [`${from('127.0.0.66')} who-is`, `${from('127.0.0.66')} read 1001 analog-input,1`],
    ],
    [
      'BACnet: Anna writes at priority 8; at 5, and 35 °C, she is refused with the tool’s own error',
      [
        session,
        `${from('127.0.0.2')} write 1001 analog-value,1 21.5 --priority 8`,
        `${from('127.0.0.2')} write 1001 analog-value,1 21.5 --priority 5`,
        `${from('127.0.0.2')} write 1001 analog-value,1 35 --priority 8`,
      ],
    ],
    [
      'BACnet: the same with bacnet-stack’s tools, where they are installed; YABE and others: a B/IP router at 127.0.0.1',
      [`${stack} bacrp ${route} 1001 2 1 85`, `${stack} bacwp ${route} 1001 2 1 85 8 -1 4 21.5`],
    ],
    [
      'BACnet: what the plant holds, as an inventory to review',
      [`${gatehouse} discover bacnet --network plant --location hq --socket ${here(site.socket)}`],
    ],
  ];
}

/** Firmware is looked at first, then brought; the password is read from standard input. */
function orderParts(
  site: DemoSite,
  here: (path: string) => string,
  gatehouse: string,
): readonly (readonly [string, readonly string[]])[] {
  const url = `https://127.0.0.1:${site.gateway().ports.get('http') ?? 0}`;
  const place = `--url ${url} --ca ${here(join(site.data, 'http.pem'))}`;
  const as = (person: string, words: string): string =>
    `echo ${DEMO_PASSWORD} | ${gatehouse} ${words} --user ${person} ${place}`;
  const firmware = site.images.map(({ device, name, file, manifestFile, id, version }) => {
    const update = `firmware update --image ${id} --device ${device}`;
    return [
      `Carla brings ${name} to ${version}: a signed image, a look before, the update to its end`,
      [
        as('carla', `firmware upload ${here(file)} --manifest ${here(manifestFile)}`),
        as('carla', `${update} --dry-run`),
        as('carla', `${update} --wait`),
      ],
    ] as const;
  });
  const limit = 'alarm set --device ahu1 --device ahu2 --value sat-hi=30';
  return [
    ...firmware,
    [
      'an alarm limit of both air handlers, Modbus and BACnet: of Dora, who may on one of them, on none; of Carla on both',
      [as('dora', limit), as('carla', `${limit} --wait`)],
    ],
  ];
}

/** Holding registers 100 and 101 of unit 1 over Modbus/TCP Security. */
function secureRead(certificates: string, port: number): readonly [string, readonly string[]] {
  const files = `-cert ${certificates}/carla.pem -key ${certificates}/carla.key -CAfile ${certificates}/ca.pem`;
  const request = String.raw`printf '\0\1\0\0\0\6\1\3\0\144\0\2'`;
  return [
    'Carla reads the set point over Modbus/TCP Security, by her certificate',
    [`${request} | timeout 2 openssl s_client -quiet -connect 127.0.0.1:${port} ${files} 2>/dev/null | od -An -tx1`],
  ];
}
