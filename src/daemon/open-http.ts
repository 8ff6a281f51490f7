// Wires the page and the API: shelf, writer, overrides, jobs, certificate. What it opened it hands back to be closed.

import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Clock, Timers } from '../contract/clock.ts';
import { type Listening, type RunningDriver, StartFault } from '../contract/driver.ts';
import { FileWatch } from '../contract/file-watch.ts';
import type { Images } from '../contract/images.ts';
import type { Jobs } from '../contract/jobs.ts';
import { LateOpening } from '../contract/late-opening.ts';
import type { Log } from '../contract/log.ts';
import type { Shelf } from '../contract/shelf.ts';
import type { Writer } from '../contract/work.ts';
import type { GateControl } from '../gate/options.ts';
import type { ProviderSettings, RunningHttp } from '../http/options.ts';
import type { TlsFiles } from '../http/tls-files.ts';
import { createWriter } from '../jobs/batch.ts';
import { createOverrides } from '../jobs/overrides.ts';
import { createWorkRecord } from '../jobs/work-record.ts';
import type { JournalStore } from '../store/journal.ts';
import { openJournalReader } from '../store/journal-reader.ts';
import { openJobs } from './open-jobs.ts';
import type { SiteConfig } from './site-config.ts';
import type { DaemonStanding } from './standing.ts';

const DAY_MS = 86_400_000;

interface HttpParts {
  readonly config: SiteConfig;
  readonly gate: GateControl;
  readonly journal: JournalStore;
  readonly shelf: Shelf;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly drivers: ReadonlyMap<string, RunningDriver>;
  readonly standing: DaemonStanding;
}

/** What page, API and the cloud's commands share. */
export interface Work {
  readonly writer: Writer;
  readonly jobs: Jobs;
  readonly images: Images;
}

/** What is still owed to the plant (overrides, batches cut off, jobs) is taken up even where no page is configured. */
export async function openHttp(parts: HttpParts, closers: (() => Promise<void> | void)[]): Promise<Work> {
  const { config, gate, journal, shelf, clock, timers, log, drivers, standing } = parts;
  const reader = openJournalReader(join(config.data, 'journal.db'));
  closers.push(() => reader.close());
  const services = {
    gate,
    journal,
    shelf,
    clock,
    timers,
    log,
    drivers,
    inventory: () => gate.policy()?.inventory,
    newId: (kind: 'job' | 'override') => `${kind === 'job' ? 'j' : 'o'}-${randomUUID()}`,
    ...createWorkRecord(reader),
  };
  const overrides = createOverrides(services);
  closers.push(() => overrides.stop());
  const writer = createWriter({ ...services, ledger: overrides });
  // Devices may take their time; the page does not wait for them.
  void writer.putBackInterrupted();
  await overrides.start();
  const { jobs, images } = await openJobs({ ...services, journal, gate, config, writer }, closers);
  const work = { writer, jobs, images };
  if (!config.http) return work;

  const { certificateFile, keyFile, clientCaFile, clientCrlFile } = config.http;
  const files = [certificateFile, keyFile, clientCaFile, clientCrlFile].filter((file) => file !== undefined);
  const watch = new FileWatch(files, readText);
  // The framework takes memory that a gateway without a page has better use for.
  const { createHttp } = await import('../http/server.ts');
  const http = await createHttp({
    gate,
    journal,
    reader,
    shelf,
    clock,
    timers,
    log,
    drivers,
    writer,
    overrides,
    jobs,
    images,
    settings: {
      ...(await tlsFilesOf(config, clock)),
      address: config.http.address,
      port: config.http.port,
      providers: config.http.identityProviders.map(readProvider),
      idleMs: config.http.idleMinutes * 60_000,
      longestMs: config.http.sessionHours * 3_600_000,
      sampleMs: config.http.sampleSeconds * 1000,
      ...(config.http.origin !== undefined && { origin: config.http.origin }),
    },
    standing: () => ({ ...standing.status(), remarks: standing.remarks() }),
    ...pagesHere(),
  });
  closers.push(() => http.stop());
  closers.push(keepTlsFiles(parts, http, watch));
  const said = ({ address, port }: Listening): void =>
    log.write('info', 'http.listening', { address, port }, `page and API on https://${address}:${port}/`);
  const door = new LateOpening('http', () => http.listen(), { log, timers, said });
  standing.watch(door);
  closers.push(() => door.stop());
  await door.begin();
  return work;
}

/** Certificates are renewed and withdrawn without a restart, one of the gateway's own in time. Gives what ends it. */
function keepTlsFiles({ config, clock, timers, log }: HttpParts, http: RunningHttp, watch: FileWatch): () => void {
  const certificateFile = config.http?.certificateFile;
  const listener = 'http';
  const look = (): void => {
    tlsFilesOf(config, clock)
      .then((read) => {
        if (!http.renew(read)) return;
        log.write('info', 'tls.reloaded', { listener }, 'page and API: the changed certificate files are in force');
      })
      .catch((error: unknown) => {
        const why = error instanceof Error ? error.message : String(error);
        const text = `page and API: the changed files cannot be used, the old ones stay in force: ${why}`;
        log.write('error', 'tls.reload-failed', { listener, why }, text);
      });
  };
  watch.begin(look);
  const daily = (): void => {
    look();
    timer = timers.after(DAY_MS, daily);
  };
  let timer = certificateFile === undefined ? timers.after(DAY_MS, daily) : undefined;
  return () => {
    timer?.cancel();
    watch.stop();
  };
}

async function tlsFilesOf(config: SiteConfig, clock: Clock): Promise<TlsFiles> {
  const { clientCaFile, clientCrlFile } = config.http ?? {};
  return {
    ...(await certificateOf(config, clock)),
    ...(clientCaFile !== undefined && { clientCa: readText(clientCaFile) }),
    ...(clientCrlFile !== undefined && { clientCrl: readText(clientCrlFile) }),
  };
}

async function certificateOf({ http, data }: SiteConfig, clock: Clock): Promise<{ certificate: string; key: string }> {
  const names = http?.origin === undefined ? [] : [new URL(http.origin).hostname];
  if (http?.certificateFile === undefined || http.keyFile === undefined) {
    const { selfSigned } = await import('../http/self-signed.ts');
    return selfSigned(data, names, Math.max(clock.now(), Date.now()));
  }
  return {
    certificate: readText(http.certificateFile),
    key: readText(http.keyFile),
  };
}

function readProvider(provider: NonNullable<SiteConfig['http']>['identityProviders'][number]): ProviderSettings {
  const { issuer, clientSecretFile, groupsClaim, roleClaim, scope } = provider;
  return {
    issuer,
    groupsClaim,
    roleClaim,
    scope,
    ...(clientSecretFile !== undefined && { clientSecret: readText(clientSecretFile).trim() }),
  };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new StartFault('http-file-unreadable', `cannot read \`${file}\` (http): ${(error as Error).message}`);
  }
}

/** The built page beside the compiled program, where there is one. */
function pagesHere(): { pages?: string } {
  const place = import.meta.url.endsWith('.ts') ? '../../dist/web' : '../../web';
  const pages = fileURLToPath(new URL(place, import.meta.url));
  return existsSync(join(pages, 'index.html')) ? { pages } : {};
}
