// pymodbus of the Debian package, as a client and as a device: a third reading of the standard, in another language.

import { fileURLToPath } from 'node:url';
import { freePort } from '../../../simulators/free-port.ts';
import { absent, accepts, type RunningProgram, run, start } from './program.ts';

/** The interpreter that has the Debian packages, which the one on the path may not be. */
export const SYSTEM_PYTHON = '/usr/bin/python3';

const CLIENT = fileURLToPath(new URL('./pymodbus-client.py', import.meta.url));
const SERVER = fileURLToPath(new URL('./pymodbus-server.py', import.meta.url));

/** Whether pymodbus can be imported; says once why what needs it cannot run. */
export async function havePymodbus(): Promise<boolean> {
  const probe = await run(SYSTEM_PYTHON, ['-c', 'import pymodbus']).catch(() => undefined);
  return probe?.code === 0 || absent('python3-pymodbus');
}

/** A call of a method of pymodbus's client, `read_holding_registers` with args `[100, 2]` and kwargs `{slave: 1}` for example. */
interface PymodbusCall {
  readonly method: string;
  readonly args: readonly unknown[];
  /** Default 1. */
  readonly unit?: number;
  readonly kwargs?: Readonly<Record<string, unknown>>;
}

type PymodbusAnswer =
  | { readonly ok: true; readonly registers: readonly number[]; readonly bits: readonly boolean[] }
  | { readonly ok: false; readonly text: string; readonly exception?: number | null };

/** Makes the calls one after the other on one connection. Throws where the program fails as such. */
export async function pymodbusClient(
  target: { readonly host: string; readonly port: number; readonly timeoutS?: number },
  calls: readonly PymodbusCall[],
): Promise<readonly PymodbusAnswer[]> {
  const input = calls
    .map(({ method, args, unit, kwargs }) => JSON.stringify({ method, args, kwargs: { slave: unit ?? 1, ...kwargs } }))
    .join('\n');
  const result = await run(SYSTEM_PYTHON, [CLIENT, target.host, String(target.port), String(target.timeoutS ?? 10)], {
    input: `${input}\n`,
  });
  if (result.code !== 0) throw new Error(`the pymodbus client failed: ${result.stderr.trim()}`);
  return result.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as PymodbusAnswer);
}

interface PymodbusServer extends RunningProgram {
  readonly host: string;
  readonly port: number;
}

/** A pymodbus server as a device: units with `size` places (default 200) in every table, all `value` (default 0) at first. */
export async function startPymodbusServer(
  options: { readonly units?: readonly number[]; readonly size?: number; readonly value?: number } = {},
): Promise<PymodbusServer> {
  const port = await freePort();
  const args = ['127.0.0.1', port, options.size ?? 200, options.value ?? 0, (options.units ?? [1]).join(',')];
  const running = await start(SYSTEM_PYTHON, [SERVER, ...args.map(String)], () => accepts(port));
  return { ...running, host: '127.0.0.1', port };
}
