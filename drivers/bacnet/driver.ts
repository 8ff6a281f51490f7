// The BACnet driver: the technicians' side, the road of a request, the plant's networks. It owns sockets and decides nothing.
// 1. Policy, inventory and addresses change in one tick. 2. Without a policy in force no change is passed on.

import type { AddressIndex, DriverModule, DriverServices, RunningDriver } from '../../src/contract/driver.ts';
import { driverName } from '../../src/model/ids.ts';
import { compileAddresses } from './address.ts';
import { type BacnetSection, bacnetSection } from './config.ts';
import { checkConfiguration, checkStation } from './config-check.ts';
import { describeFrame } from './describe-frame.ts';
import { importEde } from './import-ede.ts';
import { createRoad } from './road.ts';
import { RunningBacnet } from './running.ts';

const name = driverName('bacnet');

/** The driver as the daemon finds it. */
export const driver: DriverModule = {
  name,
  configuration: bacnetSection,
  checkConfiguration: (section) => checkConfiguration(section as BacnetSection),
  checkStation: (section, text) => checkStation(section as BacnetSection, text),
  compileAddresses,
  imports: { ede: importEde },
  describeFrame,
  async start(section: unknown, index: AddressIndex | undefined, services: DriverServices): Promise<RunningDriver> {
    const running = new RunningBacnet(name, section as BacnetSection, services, createRoad);
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
