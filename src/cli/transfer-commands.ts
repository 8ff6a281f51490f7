// `gatehouse transfers [end DEVICE]`: who holds which device for firmware, files or configuration, and ending that.

import type { Command } from 'commander';
import type { ApiTransfer } from '../http/schema-jobs.ts';
import { type ApiOptions, withApi, withGateway } from './api-client.ts';
import type { Terminal } from './exit.ts';
import { tell } from './job-verbs.ts';
import { momentText, textTable } from './text-table.ts';

export function addTransferCommands(program: Command, terminal: Terminal): void {
  const transfers = program
    .command('transfers')
    .description('devices in a transfer of firmware, files or configuration, or held by a job');
  withApi(transfers.command('list', { isDefault: true }).description('those of devices you may view')).action(
    (options: ApiOptions) =>
      withGateway(options, terminal, async (api) => {
        const { items } = await api.ask<{ items: ApiTransfer[] }>('GET', '/api/v1/transfers');
        tell(terminal, options, items, items.length === 0 ? ['no transfers'] : describeTransfers(items));
      }),
  );
  withApi(
    transfers
      .command('end')
      .description('end the transfer to a device, with `device.control` there')
      .argument('<device>')
      .option('--why <text>', 'for the record'),
  ).action((device: string, options: ApiOptions & { why?: string }) =>
    withGateway(options, terminal, async (api) => {
      const { why = '' } = options;
      const path = `/api/v1/transfers/${encodeURIComponent(device)}/end`;
      const ended = await api.ask<ApiTransfer>('POST', path, { why });
      tell(terminal, options, ended, [`${device}: ended`]);
    }),
  );
}

function describeTransfers(transfers: readonly ApiTransfer[]): string[] {
  return textTable(
    ['device', 'by', 'holder', 'job', 'since', 'may end'],
    transfers.map(({ device, by, holder = 'somebody', job = '', since, mayEnd }) => [
      device.id,
      by,
      holder,
      job,
      momentText(since),
      mayEnd ? 'yes' : 'no',
    ]),
  );
}
