// Which gateways a command is about: those that are named, or every one that the broker or the console knows.

import type { BrokerLine } from './broker-line.ts';
import type { ConsoleContext } from './console-context.ts';
import { badInput } from './console-exit.ts';
import { checkGateway } from './console-folder.ts';

export async function gatewaysOf(
  context: ConsoleContext,
  line: BrokerLine,
  names: readonly string[],
  all: boolean | undefined,
): Promise<readonly string[]> {
  if (names.length > 0) return names.map(checkGateway);
  if (!all) throw badInput('got no gateway, expected their names, or --all');
  const online = await line.retained('+', ['state']);
  const known = new Set([...context.folder.gateways(), ...online.map(({ gateway }) => gateway)]);
  return [...known].sort();
}
