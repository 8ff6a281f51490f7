// The Modbus driver: north listeners, the road of a frame, south lines. It owns sockets and decides nothing.
// 1. Policy, inventory, addresses and routes change in one tick. 2. Without a policy in force nothing is passed on.

import { statSync } from 'node:fs';
import type { AddressIndex, DriverModule, DriverServices, RunningDriver } from '../../src/contract/driver.ts';
import { StartFault } from '../../src/contract/driver.ts';
import { driverName } from '../../src/model/ids.ts';
import { compileAddresses } from './address.ts';
import { type ModbusSection, modbusSection } from './config.ts';
import { checkConfiguration } from './config-check.ts';
import { describeFrame } from './describe-frame.ts';
import { importSunSpec } from './import-sunspec.ts';
import { RunningModbus } from './running.ts';
import { openSecureSide } from './secure-side.ts';

const name = driverName('modbus');

/** The driver as the daemon finds it. */
export const driver: DriverModule = {
  name,
  configuration: modbusSection,
  checkConfiguration: (section) => checkConfiguration(section as ModbusSection),
  compileAddresses,
  imports: { sunspec: importSunSpec },
  describeFrame,
  async start(section: unknown, index: AddressIndex | undefined, services: DriverServices): Promise<RunningDriver> {
    const config = section as ModbusSection;
    for (const [line, settings] of Object.entries(config.lines)) {
      if ('serial' in settings && isNoDevice(settings.serial.path))
        throw new StartFault(
          'serial-path-invalid',
          `drivers.modbus.lines.${line}.serial.path: got \`${settings.serial.path}\`, expected a serial port`,
        );
    }
    const secure = new Map(
      config.listen.flatMap((listener) =>
        listener.tls === undefined
          ? []
          : [[listener.name, openSecureSide(listener.name, listener.tls, services)] as const],
      ),
    );
    const running = new RunningModbus(name, config, services, secure);
    if (index !== undefined) running.activate(index);
    try {
      await running.listen();
    } catch (fault) {
      await running.stop();
      throw fault;
    }
    return running;
  },
};

/** One that is not there yet may be plugged in later. */
function isNoDevice(path: string): boolean {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    return found !== undefined && !found.isCharacterDevice();
  } catch {
    // The line says why it does not open.
    return false;
  }
}
