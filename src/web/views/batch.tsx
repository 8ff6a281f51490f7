// Several points as one change. Invariants: 1. every row has its verdict before anything is sent; 2. one denied row stops all;
// 3. what others have to approve becomes a job that waits for them, all of it; 4. afterwards every row says what became of it.

import { useEffect, useRef, useState } from 'preact/hooks';
import type { ApiPoint, ApiPointDetail } from '../../http/schema-browse.ts';
import type { ApiJob, ApiJobOrder } from '../../http/schema-jobs.ts';
import type { ApiCheck, ApiWriteResult } from '../../http/schema-work.ts';
import { ApiFault, ask, type Page, query, seg } from '../api.ts';
import { addToBatch, type BatchRow, batch, dropFromBatch } from '../batch-rows.ts';
import { givenValue } from '../given-value.ts';
import { useLive } from '../live.ts';
import { Fault, Heading, More, Value } from '../parts.tsx';
import { go, to } from '../route.ts';
import { sentence } from '../sentence.ts';
import { useNow, usePages } from '../store.ts';
import { useSameKey, useVerdict } from '../verdict.ts';
import { shownTime, shownValue, t } from '../words.ts';
import { ForApproval, noted } from './for-approval.tsx';
import { HoldFields, useHold } from './hold-fields.tsx';
import { namesOf, Refusal, RefusalOrFault } from './refusal.tsx';
import { ValueField } from './value-field.tsx';

const PAUSE_MS = 250;
const AT_ONCE = 20;
type Verdict = ApiCheck['rows'][number];

const isPossible = ({ verdict }: Verdict): boolean => verdict === 'permitted' || verdict === 'needs-approval';

const rowOf = ({ point, text }: BatchRow, priority: number) => {
  const given = givenValue(point, text);
  if (given.kind !== 'value') return undefined;
  return { point: point.id, value: given.value, ...(point.slots && { priority }) };
};

export function Batch() {
  const rows = batch.use();
  const [result, setResult] = useState<ApiWriteResult>();
  const [fault, setFault] = useState<ApiFault>();
  const [busy, setBusy] = useState(false);
  const [note, setNote] = useState('');
  const key = useSameKey();
  useLive(rows.map(({ point }) => point.id));
  const hold = useHold('usual');
  const complete = rows.flatMap((row) => rowOf(row, hold.priority) ?? []);
  const { overrideMs } = hold;
  const body = { rows: complete, ...(overrideMs !== undefined && { overrideMs }) };
  const asked = JSON.stringify(body);

  const check = useVerdict<ApiCheck>('batches/check', complete.length === 0 ? '' : asked, {
    pauseMs: PAUSE_MS,
    failed: setFault,
  });

  const verdicts = new Map<string, Verdict>(check?.rows.map((row) => [row.point, row]));
  const possible = [...verdicts.values()].filter(isPossible).length;
  const hasDenied = possible < verdicts.size;
  const approvals = check?.approvals ?? 0;
  const isReady = rows.length > 0 && complete.length === rows.length && possible === rows.length && !busy;

  async function send(): Promise<void> {
    setBusy(true);
    setFault(undefined);
    setResult(undefined);
    try {
      if (approvals > 0) {
        const order = { kind: 'batch', ...body, ...noted(note) } satisfies ApiJobOrder;
        const job = await ask<ApiJob>('jobs', { method: 'POST', body: order, key: key.of(JSON.stringify(order)) });
        // It is the job's from now on.
        batch.set([]);
        go(to('job', job.id));
        return;
      }
      setResult(await ask<ApiWriteResult>('batches', { method: 'POST', body, key: key.of(asked) }));
      key.spent();
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
      <Heading title={t('batch.title')} lead={t('batch.lead')}>
        {rows.length > 0 && (
          <wa-button appearance="plain" onClick={() => batch.set([])}>
            <wa-icon slot="start" name="trash" />
            {t('batch.clear')}
          </wa-button>
        )}
      </Heading>
      <AddPoint />
      {rows.length === 0 && (
        <p class="empty">
          <wa-icon name="layers" />
          {t('batch.none')}
        </p>
      )}
      <ul class="batch">
        {rows.map((row) => (
          <Row
            key={row.point.id}
            row={row}
            verdict={verdicts.get(row.point.id)}
            became={result?.rows.find(({ point }) => point === row.point.id)}
          />
        ))}
      </ul>
      <div aria-live="assertive">
        {result && (
          <p class={result.ok ? 'note good' : 'note grave'}>
            <wa-icon name={result.ok ? 'check' : 'warning'} />
            {t(result.ok ? 'batch.allDone' : 'batch.notAll')}
          </p>
        )}
        {fault && (
          <RefusalOrFault
            fault={fault}
            title={t('refused.batch')}
            action="point.write"
            names={namesOf(rows.map(({ point }) => point))}
          />
        )}
        {hasDenied && <p class="warning">{t('batch.stopped')}</p>}
      </div>
      {rows.length > 0 && (
        <section class="card batch-send">
          <HoldFields hold={hold} canEnd isMixed hasSlots={rows.some(({ point }) => point.slots !== undefined)} />
          {approvals > 0 && <ForApproval of="batch" approvals={approvals} note={note} setNote={setNote} />}
          <div class="confirm">
            <p class="from-to">
              {t(approvals > 0 ? 'batch.tallyPossible' : 'batch.tally', { n: possible, all: rows.length })}
            </p>
            <wa-button class="go" variant="brand" disabled={!isReady} loading={busy} onClick={() => void send()}>
              {t(approvals > 0 ? 'batch.order' : 'batch.send', { n: rows.length })}
            </wa-button>
          </div>
        </section>
      )}
    </>
  );
}

interface RowProps {
  readonly row: BatchRow;
  readonly verdict: Verdict | undefined;
  readonly became: ApiWriteResult['rows'][number] | undefined;
}

function Row({ row, verdict, became }: RowProps) {
  const { point, text } = row;
  const now = useNow(15_000);
  const given = givenValue(point, text);
  const change = (next: string): void =>
    batch.set(batch.get().map((each) => (each.point.id === point.id ? { ...each, text: next } : each)));
  const denied = verdict?.denied ?? [];
  return (
    <li class="card batch-row">
      <div class="batch-name">
        <strong>{point.name}</strong>
        <small>{point.device?.name}</small>
      </div>
      <Value point={point} />
      <ValueField
        point={point}
        text={text}
        message={given.kind === 'fault' ? given.message : ''}
        rowLabel={t('batch.value', { name: point.name })}
        setText={change}
      />
      <div class="batch-verdict">
        <VerdictTag given={given.kind} verdict={verdict} became={became} />
        {verdict && isPossible(verdict) && <small>{endOf(verdict, became, now)}</small>}
      </div>
      <wa-button appearance="plain" onClick={() => dropFromBatch(point.id)}>
        <wa-icon name="xmark" label={t('batch.remove', { name: point.name })} />
      </wa-button>
      {became?.why !== undefined && <p class="why">{sentence({ reason: became.reason, text: became.why })}</p>}
      {became && became.state !== 'done' && (
        <p class="why">{t(`done.${became.state}`, { value: shownValue(became.readBack, point.unit, point.step) })}</p>
      )}
      {denied.length > 0 && (
        <Refusal
          title={t('refused.title')}
          action={point.write.action}
          denied={denied}
          name={point.name}
          names={namesOf([point])}
        />
      )}
      {verdict?.fault !== undefined && <p class="why">{sentence({ reason: verdict.reason, text: verdict.fault })}</p>}
    </li>
  );
}

function endOf({ lastsMs }: Verdict, became: RowProps['became'], now: number): string {
  if (became ? became.until === undefined : lastsMs === undefined) return t('batch.stays');
  return t('batch.until', { time: shownTime(became?.until ?? now + (lastsMs ?? 0)) });
}

function VerdictTag({
  given,
  verdict,
  became,
}: {
  given: string;
  verdict: Verdict | undefined;
  became: RowProps['became'];
}) {
  if (became) return <span class={`tag ${became.state === 'done' ? 'on' : 'bad'}`}>{t(`row.${became.state}`)}</span>;
  if (given !== 'value') return <span class="tag">{t('batch.verdict.open')}</span>;
  if (!verdict) return <span class="tag">…</span>;
  const tone = { permitted: 'on', 'needs-approval': 'amber' }[verdict.verdict as string] ?? 'bad';
  return <span class={`tag ${tone}`}>{t(`batch.verdict.${verdict.verdict}`)}</span>;
}

/** What only measures, or takes files, is no row of a batch. */
const isWritten = ({ class: kind }: ApiPoint): boolean => kind !== 'sensor' && kind !== 'firmware';

function AddPoint() {
  const [text, setText] = useState('');
  const [q, setQ] = useState('');
  const [fault, setFault] = useState<ApiFault>();
  const field = useRef<HTMLElement>(null);
  useEffect(() => {
    const timer = setTimeout(() => setQ(text.trim()), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  const pages = usePages(q === '' ? undefined : `batch ${q}`, (signal, cursor) =>
    ask<Page<ApiPoint>>(`points${query({ q, limit: AT_ONCE, cursor })}`, { signal }),
  );
  const points = pages.items?.filter(isWritten) ?? [];

  async function add({ id }: ApiPoint): Promise<void> {
    setFault(undefined);
    // At once: what is typed meanwhile is the next one.
    setText('');
    setQ('');
    field.current?.focus();
    try {
      addToBatch(await ask<ApiPointDetail>(`points/${seg(id)}`));
    } catch (error) {
      if (error instanceof ApiFault) setFault(error);
    }
  }

  return (
    <div class="add-point">
      <wa-input
        ref={field}
        label={t('batch.add')}
        value={text}
        oninput={(event: Event) => setText(String((event.currentTarget as HTMLInputElement).value))}
      >
        <wa-icon slot="start" name="search" />
      </wa-input>
      {pages.items && q !== '' && (
        <p class="quiet" role="status">
          {points.length === 0 && !pages.hasMore ? t('search.none') : t('device.points', { n: points.length })}
          {pages.hasMore && ` ${t('batch.morePoints')}`}
        </p>
      )}
      {points.length > 0 && (
        <ul class="rows card found-points">
          {points.map((point) => (
            <li key={point.id}>
              <button type="button" class="row found" onClick={() => void add(point)}>
                <wa-icon name="plus" />
                <span class="row-name">
                  {point.name}
                  <small>{point.device?.name}</small>
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
      {q !== '' && <More pages={pages} />}
      {(fault ?? pages.fault) && <Fault fault={(fault ?? pages.fault) as ApiFault} />}
    </div>
  );
}
