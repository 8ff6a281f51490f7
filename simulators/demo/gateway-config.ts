// The gateway's own configuration in the demo, written anew at every start: the plant's ports are the system's choice.

import type { PlantLine } from '../modbus/plant.ts';
import { type BacnetPlaces, bacnetSection } from './bacnet-part.ts';
import type { DemoPorts } from './options.ts';
import { GATEWAY, SUPERVISOR_ADDRESS } from './policy.ts';

interface ConfigPlaces {
  readonly rootFile: string;
  readonly socket: string;
  readonly brokerUrl: string;
  readonly plant: { readonly [line in PlantLine]: { readonly host: string; readonly port: number } };
  /** Without `http`: no page. */
  readonly ports: Omit<DemoPorts, 'broker' | 'http' | 'bacnet'> & { readonly http?: number };
  /** Folder with `ca.pem`, `crl.pem`, `gateway.pem` and `gateway.key`; absent: no Modbus/TCP Security. */
  readonly certificates?: string;
  /** Absent: no BACnet. */
  readonly bacnet?: BacnetPlaces;
}

const quoted = (text: string): string => JSON.stringify(text);

/** YAML that a person can read and copy from. */
export function gatewayConfig({
  rootFile,
  socket,
  brokerUrl,
  plant,
  ports,
  certificates,
  bacnet,
}: ConfigPlaces): string {
  const tls = (folder: string): string => `
      - name: secure
        address: 127.0.0.1
        port: ${ports.secure}
        tls:
          certificateFile: ${quoted(`${folder}/gateway.pem`)}
          keyFile: ${quoted(`${folder}/gateway.key`)}
          caFile: ${quoted(`${folder}/ca.pem`)}
          crlFile: ${quoted(`${folder}/crl.pem`)}`;
  return `# Written by the demo at every start; see \`gatehouse config schema\` for all there is.
format: gatehouse.site/1
gateway: ${GATEWAY}
data: data
cloud:
  url: ${brokerUrl}
  rootFile: ${quoted(rootFile)}
control:
  socket: ${quoted(socket)}
health:
  address: 127.0.0.1
  port: ${ports.health}${
    ports.http === undefined
      ? ''
      : `
# The page and the API; without a certificate of your own one is made in the data folder.
http:
  address: 127.0.0.1
  port: ${ports.http}`
  }
log:
  level: info
  format: text
attribution:
  # What a fixed address can prove, and no more.
  applications:
    - { address: ${SUPERVISOR_ADDRESS}, principal: supervisor }
  # Every tool of the demo works from this machine, whose loopback addresses have no link-layer entry.
  sharedNetworks: [127.0.0.0/8]
# From nowhere else are firmware images fetched: here they are uploaded.
images:
  hosts: []
clock:
  trustSystem: true
drivers:
${bacnet === undefined ? '' : bacnetSection(bacnet)}  modbus:
    listen:
      - name: plant
        address: 127.0.0.1
        port: ${ports.modbus}
      # The meters' line alone: unit 0 is every device of the line.
      - name: meters
        address: 127.0.0.1
        port: ${ports.meters}${certificates === undefined ? '' : tls(certificates)}
    lines:
      ahu: { tcp: { host: ${plant.ahu.host}, port: ${plant.ahu.port} } }
      chiller: { tcp: { host: ${plant.chiller.host}, port: ${plant.chiller.port} } }
      meters: { rtuOverTcp: { host: ${plant.meters.host}, port: ${plant.meters.port} } }
    units:
${unitsOf('plant', PLANT_UNITS)}
${unitsOf('meters', METER_UNITS)}${certificates === undefined ? '' : `\n${unitsOf('secure', PLANT_UNITS)}`}
`;
}

const METER_UNITS = [
  [11, 'meter1'],
  [12, 'meter2'],
] as const;
const PLANT_UNITS = [[1, 'ahu1'], [2, 'chiller1'], ...METER_UNITS] as const;

function unitsOf(listener: string, units: readonly (readonly [number, string])[]): string {
  return units
    .map(([unit, device]) => `      - { listener: ${listener}, unit: ${unit}, device: ${device} }`)
    .join('\n');
}
