// The simulated BACnet plant as a program of its own: `node dist/simulators/bacnet/plant-main.js --host 10.0.2.21 --port 47808
// --broadcast 10.0.2.255`. It prints a line for every write that reaches a device, and ends with SIGTERM.

import { parseArgs } from 'node:util';
import { startPlant } from './plant.ts';

const { values } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.1.21' },
    port: { type: 'string', default: '47808' },
    broadcast: { type: 'string', default: '127.255.255.255' },
  },
});
const plant = await startPlant({
  hostBase: values.host,
  port: Number(values.port),
  broadcastAddress: values.broadcast,
  tickMs: 1000,
  timeScale: 1,
  log: (line) => console.log(line),
});
const places = Object.entries(plant.addresses).map(([id, { host, port }]) => `${id} ${host}:${port}`);
console.log(`ready: ${places.join(', ')}`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void plant.stop());
