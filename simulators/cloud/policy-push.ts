// One push as a person means it: judged first, compared with what is in force, asked what it would have changed, then sent.

import { mqttOptions } from './broker-line.ts';
import type { BundleJson } from './bundle-parts.ts';
import { createConsole, type Pushed, type ReportMessage } from './console.ts';
import type { ConsoleContext } from './console-context.ts';
import { badInput, failed, messageOf } from './console-exit.ts';
import { ofGateway } from './console-folder.ts';
import { type Difference, differenceOf } from './policy-difference.ts';
import { credentialsFor, lastPushed } from './policy-file.ts';
import { UploadedJournal } from './uploaded-journal.ts';
import { type WhatIf, whatWouldChange } from './what-if.ts';

/** How long a console that has just connected waits to hear what the broker holds. */
const SETTLE_MS = 1000;

export interface Preview {
  /** `undefined`: this console knows of nothing before it. */
  readonly difference: readonly Difference[] | undefined;
  readonly whatIf: WhatIf;
}

export async function preview(
  context: ConsoleContext,
  gateway: string,
  bundle: BundleJson,
  mostRows: number,
): Promise<Preview> {
  const before = lastPushed(context, gateway);
  const rows = new UploadedJournal(context.folder, gateway).rows(mostRows);
  return {
    difference: before && differenceOf(before, bundle),
    whatIf: await whatWouldChange(rows, before, bundle),
  };
}

interface PushResult extends Pushed {
  /** `undefined`: nobody waited for it. */
  readonly report: ReportMessage | undefined;
}

/** Signs and sends; waits for the gateway's report for so long, 0: not at all. */
export async function pushBundle(
  context: ConsoleContext,
  gateway: string,
  bundle: BundleJson,
  { waitMs, refreshBy }: { readonly waitMs: number; readonly refreshBy?: string },
): Promise<PushResult> {
  const audience = bundle.audience;
  if (!Array.isArray(audience) || !audience.includes(gateway)) {
    throw badInput(`got audience \`${JSON.stringify(audience)}\`, expected \`${gateway}\` among them`);
  }
  const policyKey = context.key('policy');
  const { broker, epoch } = context.settings;
  const credentials = await credentialsFor(context, gateway, bundle);
  const mqtt = mqttOptions(broker, context.folder.path);
  const cloud = await createConsole({ brokerUrl: broker.url, policyKey, mqtt }).catch((error: unknown) => {
    throw failed(`could not connect to \`${broker.url}\`: ${messageOf(error)}`, error);
  });
  try {
    const pushed = await cloud.push(gateway, bundle, {
      epoch,
      // A first push finds nothing there to wait for.
      settleMs: lastPushed(context, gateway) ? SETTLE_MS : 0,
      ...(credentials ? { credentials } : {}),
      ...(refreshBy === undefined ? {} : { refreshBy }),
    });
    context.folder.writeJson(ofGateway(gateway, 'desired.json'), bundle);
    const report = waitMs === 0 ? undefined : await cloud.waitForReport(gateway, pushed.revision, waitMs);
    return { ...pushed, report };
  } catch (error) {
    throw failed(messageOf(error), error);
  } finally {
    await cloud.close();
  }
}
