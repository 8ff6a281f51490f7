// A new job: what, on which devices, under which terms; a verdict per device all the while; one tap to start. Invariants: 1. only
// what was checked is started; 2. with one device missing nothing starts; 3. a repeat after a lost answer is the same job.

import { useState } from 'preact/hooks';
import type { ApiImage, ApiJob, ApiJobCheck, ApiJobOrder } from '../../http/schema-jobs.ts';
import { ApiFault, ask } from '../api.ts';
import { Crumbs, Heading } from '../parts.tsx';
import { go, to } from '../route.ts';
import { useSameKey, useVerdict } from '../verdict.ts';
import { t } from '../words.ts';
import { DevicePicker } from './device-picker.tsx';
import { CheckList } from './job-check.tsx';
import { ConfigurationFields, type Subject, ThresholdFields } from './order-fields.tsx';
import { RefusalOrFault } from './refusal.tsx';
import { RolloutFields, type Terms, TermsFields, termsOf, USUAL_TERMS } from './terms-fields.tsx';

const PAUSE_MS = 300;
const ACTIONS = {
  firmware: 'firmware.update',
  configuration: 'device.configure',
  'alarm-thresholds': 'alarm.threshold',
} as const;
type Kind = keyof typeof ACTIONS;
const isKind = (kind: string): kind is Kind => kind in ACTIONS;

export function JobOrder({ kind, image }: { kind: string; image?: ApiImage }) {
  const [devices, setDevices] = useState<readonly string[]>([]);
  const [subject, setSubject] = useState<Subject>();
  const [terms, setTerms] = useState<Terms>(USUAL_TERMS);
  const [fault, setFault] = useState<ApiFault>();
  const [busy, setBusy] = useState(false);
  const key = useSameKey();

  const about = kind === 'firmware' ? image && { kind, image: image.id } : subject;
  const order =
    about && devices.length > 0 ? ({ ...about, devices, ...termsOf(terms, kind) } as ApiJobOrder) : undefined;
  const asked = order ? JSON.stringify(order) : '';
  const check = useVerdict<ApiJobCheck>('jobs/check', asked, {
    pauseMs: PAUSE_MS,
    began: () => setFault(undefined),
    failed: setFault,
  });

  if (!isKind(kind) || (kind === 'firmware' && !image)) return <p class="empty">{t('app.notFound')}</p>;
  const action = ACTIONS[kind];

  async function start(): Promise<void> {
    setBusy(true);
    setFault(undefined);
    try {
      const job = await ask<ApiJob>('jobs', { method: 'POST', body: JSON.parse(asked), key: key.of(asked) });
      go(to('job', job.id));
    } catch (error) {
      if (error instanceof ApiFault) {
        if (error.problem.status !== 0) key.spent();
        setFault(error);
      }
    }
    setBusy(false);
  }

  return (
    <>
      {kind !== 'firmware' && (
        <>
          <Crumbs trail={[{ name: t('nav.jobs'), href: to('jobs') }]} />
          <Heading title={t(`job.new.${kind}`)} lead={t(`job.lead.${kind}`)} />
        </>
      )}
      <section class="card order">
        {kind === 'configuration' && <ConfigurationFields setSubject={setSubject} />}
        <DevicePicker
          label={t(kind === 'configuration' ? 'job.copyTo' : 'job.devices')}
          chosen={devices}
          setChosen={setDevices}
          {...(subject?.kind === 'configuration' && { without: subject.source })}
          {...(image && { model: image.model })}
        />
        {kind === 'alarm-thresholds' && <ThresholdFields device={devices[0]} setSubject={setSubject} />}
        {kind === 'firmware' && <RolloutFields terms={terms} setTerms={setTerms} />}
        <TermsFields terms={terms} setTerms={setTerms} />
      </section>
      {check && <CheckList check={check} action={action} version={image?.version} />}
      {fault && <RefusalOrFault fault={fault} title={t('job.nothingBegun')} action={action} />}
      <wa-button class="go" variant="brand" disabled={!check?.ok} loading={busy} onClick={() => void start()}>
        {devices.length === 0 ? t('job.startNone') : t('job.start', { n: devices.length })}
      </wa-button>
    </>
  );
}
