// Where the broker is and how one proves oneself to it: settings → a socket. Files are read for every attempt, so that
// a renewed certificate or password is taken up without a restart.

import { readFileSync } from 'node:fs';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { StartFault } from '../contract/driver.ts';

export interface BrokerSettings {
  /** `mqtt://host[:1883]` or `mqtts://host[:8883]`. */
  readonly url: string;
  readonly username?: string | undefined;
  /** One line: the password. */
  readonly passwordFile?: string | undefined;
  /** PEM; absent: the system's own authorities. */
  readonly caFile?: string | undefined;
  /** PEM, with its key in `keyFile`. */
  readonly certificateFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

interface BrokerAddress {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

/** @throws StartFault `cloud-settings` */
export function parseBrokerUrl(text: string): BrokerAddress {
  const wrong = (expected: string) => new StartFault('cloud-settings', `got broker \`${text}\`, expected ${expected}`);
  if (!URL.canParse(text)) throw wrong('`mqtts://host:port`');
  const url = new URL(text);
  if (url.protocol !== 'mqtt:' && url.protocol !== 'mqtts:') throw wrong('`mqtt://` or `mqtts://`');
  if (url.username !== '' || url.password !== '') throw wrong('no user name or password in the address');
  const tls = url.protocol === 'mqtts:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (host === '') throw wrong('a host');
  return { host, tls, port: url.port === '' ? (tls ? 8883 : 1883) : Number(url.port) };
}

function readSetting(name: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new StartFault('cloud-settings', `got an unreadable \`${name}\`: ${why}`, { cause: error });
  }
}

interface Credentials {
  readonly username?: string;
  readonly password?: string;
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** @throws StartFault `cloud-settings` that names the setting. */
export function readCredentials(settings: BrokerSettings): Credentials {
  const { username, passwordFile, caFile, certificateFile, keyFile } = settings;
  if ((certificateFile === undefined) !== (keyFile === undefined)) {
    throw new StartFault('cloud-settings', 'got one of `certificateFile` and `keyFile`, expected both or none');
  }
  return {
    ...(username === undefined ? {} : { username }),
    ...(passwordFile
      ? {
          password: readSetting('passwordFile', passwordFile)
            .toString('utf8')
            .replace(/\r?\n$/, ''),
        }
      : {}),
    ...(caFile ? { ca: readSetting('caFile', caFile) } : {}),
    ...(certificateFile ? { cert: readSetting('certificateFile', certificateFile) } : {}),
    ...(keyFile ? { key: readSetting('keyFile', keyFile) } : {}),
  };
}

/** Begins to connect. A broker whose certificate does not fit ends in an error on the socket. */
export function openSocket({ host, port, tls }: BrokerAddress, credentials: Credentials): Socket | TLSSocket {
  if (!tls) return connectTcp({ host, port, noDelay: true });
  const { ca, cert, key } = credentials;
  return connectTls({
    host,
    port,
    minVersion: 'TLSv1.2',
    rejectUnauthorized: true,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(ca ? { ca } : {}),
    ...(cert ? { cert } : {}),
    ...(key ? { key } : {}),
  });
}
