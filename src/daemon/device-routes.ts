// What the local socket can be asked about devices and frames: survey a network, decode a frame.

import { z } from 'zod';
import type { DriverModule, RunningDriver } from '../contract/driver.ts';
import type { GateControl } from '../gate/options.ts';
import type { AddressIndexes } from './compile-policy.ts';
import { parseBody } from './control-body.ts';
import { ControlFault, type ControlRoute } from './control-server.ts';
import { decodeFrameFor } from './decode-frame.ts';

const surveyBody = z.strictObject({
  driver: z.string().min(1),
  network: z.string().min(1),
  instances: z.array(z.int().min(0).max(4_194_302)).min(1).max(1024).optional(),
});

const decodeBody = z.strictObject({
  hex: z
    .string()
    .regex(/^([0-9a-fA-F]{2})+$/)
    .max(131_072),
  protocol: z.string().optional(),
  principal: z.string().min(1).optional(),
  device: z.string().min(1).optional(),
});

interface DeviceRouteParts {
  readonly gate: GateControl;
  readonly modules: readonly DriverModule[];
  readonly drivers: ReadonlyMap<string, RunningDriver>;
  readonly sections: { readonly [driver: string]: unknown };
  indexes(): AddressIndexes | undefined;
}

export function deviceRoutes({ gate, modules, drivers, sections, indexes }: DeviceRouteParts): readonly ControlRoute[] {
  return [
    {
      method: 'POST',
      path: '/v1/survey',
      async run(body) {
        const { driver, network, instances } = parseBody(surveyBody, body);
        const running = drivers.get(driver);
        if (running === undefined)
          throw new ControlFault(400, `got driver \`${driver}\`, expected one of the configuration`);
        if (running.survey === undefined) throw new ControlFault(400, `driver \`${driver}\` cannot look for devices`);
        const found = await running.survey({ network, ...(instances && { instances }) });
        if (!found.ok) throw new ControlFault(400, found.fault);
        return found.value;
      },
    },
    {
      method: 'POST',
      path: '/v1/decode',
      run(body) {
        const { hex, protocol, principal, device } = parseBody(decodeBody, body);
        const policy = gate.policy();
        const current = indexes();
        const reply = decodeFrameFor(
          {
            octets: Buffer.from(hex, 'hex'),
            ...(protocol && { protocol }),
            ...(principal && { principal }),
            ...(device && { device }),
          },
          {
            modules,
            gate,
            ...(policy && { inventory: policy.inventory }),
            ...(current && { indexes: current }),
            section: (name) => sections[name],
            addressee: (name, octets) => drivers.get(name)?.addressee?.(octets),
          },
        );
        if (typeof reply === 'string') throw new ControlFault(400, reply);
        return reply;
      },
    },
  ];
}
