// The driver's section of the site's configuration: the technicians' side, the plant networks, applications, private services.
// One zod definition: parsing and the editors' JSON Schema come from it.

import { z } from 'zod';
import { CHANGING_ACTIONS } from '../../src/model/action.ts';

const name = z.string().regex(/^[A-Za-z0-9_.~-]{1,64}$/, { error: 'a name of A-Z a-z 0-9 _ . ~ -, at most 64 long' });
const address = z.ipv4({ error: 'an IPv4 address' });
const port = z.number().int().min(1).max(65_535);
const networkNumber = z.number().int().min(1).max(65_534);
const instance = z.number().int().min(0).max(4_194_302);
const mac = z.string().regex(/^([0-9a-f]{2}){1,7}$/, { error: 'a MAC in lower-case hex, 1 to 7 octets' });
const endpoint = z.strictObject({ address, port: port.default(47_808) });

const link = {
  networkNumber: networkNumber.describe('The number of this network in the building’s BACnet internetwork'),
  address: address.describe('The gateway’s own address on this network; one address, so never `0.0.0.0`'),
  port: z.number().int().min(0).max(65_535).default(47_808).describe('0: chosen by the system'),
  broadcastAddress: address
    .optional()
    .describe('Where broadcasts are sent and heard; absent: the one of the interface that has `address`'),
  bbmd: z
    .strictObject({
      peers: z
        .array(endpoint.extend({ mask: address.default('255.255.255.255') }))
        .max(64)
        .default([])
        .describe('The other BBMDs of this network: their Forwarded-NPDUs are believed, and they get ours'),
    })
    .optional()
    .describe('The gateway distributes broadcasts of this network to other subnets (BACnet Annex J.4)'),
  trustedBbmds: z
    .array(endpoint)
    .max(64)
    .default([])
    .describe('BBMDs on this subnet that are not the gateway: their Forwarded-NPDUs are believed'),
  foreignDevices: z
    .strictObject({
      permit: z
        .union([z.literal('known'), z.array(address).max(256)])
        .default('known')
        .describe('Who may register: `known`: peers with a tool session or an application of the policy; or addresses'),
      maxEntries: z.number().int().min(1).max(512).default(64),
      maxTtlSeconds: z.number().int().min(30).max(65_535).default(3600),
    })
    .optional()
    .describe('Foreign devices may register with the gateway; absent: none'),
  foreignDeviceOf: z
    .strictObject({
      address,
      port: port.default(47_808),
      ttlSeconds: z.number().int().min(30).max(65_535).default(300),
    })
    .optional()
    .describe('The gateway registers itself as a foreign device with this BBMD'),
  segmentTimeoutMs: z.number().int().min(50).max(60_000).default(2000),
  windowSize: z.number().int().min(1).max(127).default(16).describe('Segments proposed and taken at a time'),
  retries: z
    .number()
    .int()
    .min(0)
    .max(5)
    .default(2)
    .describe('How often a read or a segment, never a change, is sent again'),
};

const limits = z.strictObject({
  stations: z
    .number()
    .int()
    .min(1)
    .max(65_536)
    .default(1024)
    .describe('Stations remembered at the same time, an eighth of them at the most of one address'),
  outstandingPerStation: z
    .number()
    .int()
    .min(1)
    .max(65_536)
    .default(256)
    .describe('Requests of one address, all its ports together, under way'),
  outstanding: z.number().int().min(1).max(65_536).default(4096).describe('Requests of all stations under way'),
  messageOctets: z.number().int().min(1476).max(1_048_576).default(65_536).describe('One reassembled message'),
  reassemblyOctetsPerStation: z.number().int().min(4096).max(16_777_216).default(262_144),
  reassemblyOctets: z.number().int().min(4096).max(268_435_456).default(8_388_608),
  broadcastsPerSecond: z
    .number()
    .int()
    .min(1)
    .max(10_000)
    .default(20)
    .describe('Who-Is, Who-Has and the like that one station may send on to the plant; bursts of twice as many'),
  answersPerSecond: z
    .number()
    .int()
    .min(1)
    .max(100_000)
    .default(500)
    .describe('I-Am and I-Have that are passed to the technicians’ side; bursts of twice as many'),
});

const north = z.strictObject({
  ...link,
  name: name.default('north'),
  timeoutMs: z
    .number()
    .int()
    .min(50)
    .max(60_000)
    .default(3000)
    .describe('How long a station may take to confirm a notification'),
  limits: limits.default(() => limits.parse({})).describe('Bounds on what stations may hold of the gateway'),
});

const plantNetwork = z.strictObject({
  ...link,
  timeoutMs: z.number().int().min(50).max(60_000).default(3000).describe('How long a device may take to answer'),
  inFlight: z.number().int().min(1).max(64).default(8).describe('Reads one device takes at the same time'),
  waiting: z.number().int().min(1).max(4096).default(256).describe('Requests that may wait for one device'),
  waitMs: z.number().int().min(100).max(120_000).default(10_000).describe('How long a request may wait for its turn'),
  maxDevices: z.number().int().min(1).max(65_536).default(4096),
  verifySeconds: z
    .number()
    .min(1)
    .max(86_400)
    .default(60)
    .describe('How often a device of the policy is asked whether it still is who it was'),
  whoIsSeconds: z.number().min(5).max(86_400).default(600).describe('How often the gateway asks who is there'),
  routers: z
    .array(endpoint.extend({ networks: z.array(networkNumber).min(1).max(256) }))
    .max(64)
    .default([])
    .describe('Routers of the plant and the networks behind them; no other router is believed'),
});

/** The section under `drivers.bacnet`. */
export const bacnetSection = z.strictObject({
  north: north.describe('The technicians’ side'),
  networks: z
    .record(name, plantNetwork)
    .describe('The plant’s networks, by the names their devices’ addresses use in the policy'),
  applications: z
    .array(
      z.strictObject({
        network: name,
        networkNumber: networkNumber
          .optional()
          .describe(
            'With `mac`, of a station behind a plant router: the number of its network; absent: that of `network`',
          ),
        mac: mac.optional().describe('Of the station; behind a plant router its own'),
        instance: instance.optional().describe('Of the station’s device object, once verified'),
        principal: z.string().min(1),
      }),
    )
    .max(1024)
    .default([])
    .describe('Which application of the policy a plant device is when it asks another plant network'),
  privateServices: z
    .array(
      z.strictObject({
        vendor: z.number().int().min(0).max(65_535),
        service: z.number().int().min(0).max(4_294_967_295),
        action: z.enum(CHANGING_ACTIONS),
      }),
    )
    .max(1024)
    .default([])
    .describe(
      'Private transfers, refused by default, with the action they ask of the device; nobody here understands their octets, which are handed on as they are and recorded in hex',
    ),
});

export type BacnetSection = z.output<typeof bacnetSection>;
export type NorthConfig = BacnetSection['north'];
export type PlantNetworkConfig = BacnetSection['networks'][string];
/** What both kinds of network have in common. */
export type LinkConfig = Pick<PlantNetworkConfig, Exclude<keyof typeof link, 'retries'>>;
