// A person's Modbus tool on an address of its own, at the gateway behind the API.

import { once } from 'node:events';
import { connect } from 'node:net';
import { RawClient } from '../drivers/modbus/rig.ts';
import type { HttpRig } from './rig.ts';

export async function modbusTool({ context }: HttpRig, from: string): Promise<RawClient> {
  const [listening] = context.options.drivers.get('modbus')?.status().listening ?? [];
  const socket = connect({ host: '127.0.0.1', port: listening?.port ?? 0, localAddress: from });
  await once(socket, 'connect');
  return new RawClient(socket);
}
