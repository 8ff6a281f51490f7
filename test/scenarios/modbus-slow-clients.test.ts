// The last way round that PROTOCOLS.md lists for Modbus: clients that flood, or never read what they asked for.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AHU, adu, type RawClient, Rig } from '../drivers/modbus/rig.ts';

let rig: Rig;
let ben: RawClient;

beforeEach(async () => {
  // The flood comes from this very process: the device, which shares it, gets time to answer.
  rig = await Rig.start({
    section: (section) => ({
      ...section,
      lines: { ...section.lines, ahu: { ...section.lines.ahu, timeoutMs: 5_000 } },
    }),
  });
  ben = await rig.client('ben');
});
afterEach(async () => {
  await rig.stop();
});

describe('16: slow and never-reading clients', () => {
  test('a client that never reads is dropped, and others go on', async () => {
    const nobody = await rig.client('nobody');
    nobody.socket.pause();
    const flood = Buffer.concat(Array.from({ length: 200 }, (_, id) => adu(id, AHU, '04 0000 0002')));
    const dropped = new Promise<void>((resolve) => nobody.socket.once('error', () => resolve()));
    const pour = (): void => {
      while (!nobody.socket.destroyed && nobody.socket.write(flood));
    };
    nobody.socket.on('drain', pour);
    pour();
    expect(await ben.ask(AHU, '03 006a 0001')).toBe('030209c4');
    await dropped;
    expect(rig.plant.devices.ahu1.record.readsSeen()).toBe(1);
  });

  test('a flood of reads waits behind itself, not before others', async () => {
    const flood = Buffer.concat(Array.from({ length: 30 }, (_, id) => adu(id, AHU, '04 0000 0002')));
    rig.plant.devices.ahu1.fail({ kind: 'delay', ms: 5 });
    const carla = await rig.client('carla');
    carla.send(flood);
    await carla.answer();
    await ben.ask(AHU, '03 006a 0001');
    expect(rig.plant.devices.ahu1.record.readsSeen()).toBeLessThan(10);
  });
});
