// The change of one point: field, limits and step, one confirm; *done* only after the device confirmed and reads back.
// Invariants: 1. nothing is sent while anything moves or is typed; 2. what is typed never gives way to a live value;
// 3. a repeat after a lost answer is the same change; 4. what goes back has an end from the start, unless somebody says otherwise;
// 5. what others have to approve becomes a job that waits for them.

import { useEffect, useRef, useState } from 'preact/hooks';
import type { ApiPointDetail, ApiReading } from '../../http/schema-browse.ts';
import type { ApiJob, ApiJobOrder } from '../../http/schema-jobs.ts';
import type { ApiValue } from '../../http/schema-shared.ts';
import type { ApiWriteResult } from '../../http/schema-work.ts';
import { ApiFault, ask, seg } from '../api.ts';
import { addToBatch, batch } from '../batch-rows.ts';
import { givenValue } from '../given-value.ts';
import { useReading } from '../live.ts';
import { Fault } from '../parts.tsx';
import { go, to } from '../route.ts';
import { sentence } from '../sentence.ts';
import { useSameKey } from '../verdict.ts';
import { numberOf, shownTime, shownValue, t } from '../words.ts';
import { ForApproval, noted } from './for-approval.tsx';
import { HoldFields, useHold } from './hold-fields.tsx';
import { namesOf, Refusal } from './refusal.tsx';
import { ValueField } from './value-field.tsx';

/** What is changed for a time by default; a limit or a parameter is set to stay. */
const ENDING = ['set-point', 'command'];

export function ChangeForm({ point, reload }: { point: ApiPointDetail; reload: () => void }) {
  const reading = useReading(point.id, point.reading);
  const { limits, unit } = point;
  const { approvals } = point.write;
  // Until somebody is at the field it says what the device says.
  const [typed, setText] = useState<string>();
  const text = typed ?? startText(reading, limits?.step);
  // A slot can always be given free again; without one it depends on the point.
  const canEnd = point.undo || point.slots !== undefined;
  const hold = useHold(ENDING.includes(point.class) ? undefined : 'stays');
  const [busy, setBusy] = useState(false);
  const [note, setNote] = useState('');
  const [answer, setAnswer] = useState<ApiWriteResult>();
  const [fault, setFault] = useState<ApiFault>();
  const key = useSameKey();
  const shown = { ...point, reading };
  const given = givenValue(shown, text);
  const isSame =
    given.kind === 'value' && Object.is(numberOf(given.value) ?? given.value, numberOf(reading.value) ?? reading.value);
  const told = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (answer || fault) told.current?.focus();
  }, [answer, fault]);

  async function send(value: ApiValue): Promise<void> {
    const { overrideMs, priority } = hold;
    const body = {
      value,
      ...(point.slots && { priority }),
      ...(canEnd && overrideMs !== undefined && value !== null && { overrideMs }),
    };
    const of = JSON.stringify([body, note]);
    setBusy(true);
    setFault(undefined);
    setAnswer(undefined);
    try {
      if (approvals > 0) {
        const order: ApiJobOrder = { kind: 'batch', rows: [{ point: point.id, ...body }], ...noted(note) };
        const job = await ask<ApiJob>('jobs', { method: 'POST', body: order, key: key.of(of) });
        go(to('job', job.id));
        return;
      }
      const result = await ask<ApiWriteResult>(`points/${seg(point.id)}/write`, {
        method: 'POST',
        body,
        key: key.of(of),
      });
      setAnswer(result);
      key.spent();
      setText(undefined);
      reload();
    } catch (error) {
      const failed = error instanceof ApiFault ? error : new ApiFault({ type: '', title: String(error), status: 500 });
      // Only where no answer came may the same key be used again.
      if (failed.problem.status !== 0) key.spent();
      setFault(failed);
    } finally {
      setBusy(false);
    }
  }

  const message = given.kind === 'fault' ? given.message : '';
  // A slot can be held at the value that is in force anyway; where there is none, nothing would change.
  const isReady = given.kind === 'value' && !busy && !(isSame && !point.slots);
  return (
    <section class="card change" aria-labelledby="change-title">
      <div class="card-head">
        <h2 id="change-title">{t('change.title')}</h2>
        <ToBatch point={point} />
      </div>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady && given.kind === 'value') void send(given.value);
        }}
      >
        <div onFocusIn={() => setText(text)}>
          <ValueField point={shown} text={text} setText={setText} message={message} hasSlider />
        </div>
        <HoldFields hold={hold} canEnd={canEnd} hasSlots={point.slots !== undefined} />
        {approvals > 0 && <ForApproval of="change" approvals={approvals} note={note} setNote={setNote} />}
        <div class={point.slots ? 'confirm two' : 'confirm'}>
          <p class="from-to" aria-live="polite">
            {given.kind === 'value' && !isSame
              ? t('change.fromTo', {
                  from: shownValue(reading.value, unit, limits?.step),
                  to: shownValue(given.value, unit, limits?.step),
                })
              : given.kind === 'value' && !point.slots
                ? t('change.same')
                : ''}
          </p>
          <wa-button class="go" variant="brand" type="submit" disabled={!isReady} loading={busy}>
            {t(approvals > 0 ? 'change.order' : isSame ? 'change.hold' : 'change.confirm', {
              value: given.kind === 'value' ? shownValue(given.value, unit, limits?.step) : '…',
            })}
          </wa-button>
          {point.slots && (
            <wa-button appearance="outlined" disabled={busy} onClick={() => void send(null)}>
              {t('change.release')}
            </wa-button>
          )}
        </div>
      </form>
      <div ref={told} tabIndex={-1} class="told" aria-live="assertive">
        {answer && <Outcome point={point} answer={answer} />}
        {fault && <NotDone point={point} fault={fault} />}
      </div>
    </section>
  );
}

function startText(reading: ApiReading, step = 0.001): string {
  if (typeof reading.value === 'boolean') return String(reading.value);
  if (typeof reading.value === 'string') return reading.value;
  const value = numberOf(reading.value);
  if (value === undefined) return '';
  const digits = String(step).split('.')[1]?.length ?? 0;
  return String(Number(value.toFixed(digits)));
}

function ToBatch({ point }: { point: ApiPointDetail }) {
  const isChosen = batch.use().some((row) => row.point.id === point.id);
  return (
    <wa-button appearance="plain" disabled={isChosen} onClick={() => addToBatch(point)}>
      <wa-icon slot="start" name={isChosen ? 'check' : 'layers'} />
      {t(isChosen ? 'change.inBatch' : 'change.addToBatch')}
    </wa-button>
  );
}

function Outcome({ point, answer }: { point: ApiPointDetail; answer: ApiWriteResult }) {
  const [row] = answer.rows;
  if (!row) return null;
  const isDone = row.state === 'done';
  const value = shownValue(row.readBack ?? row.wanted, point.unit, point.limits?.step);
  return (
    <div class={isDone ? 'note good' : 'note grave'}>
      <wa-icon name={isDone ? 'check' : 'warning'} />
      <div>
        <strong>{t(`done.${row.state}`, { value })}</strong>
        {row.until !== undefined && <p>{t('done.override', { time: shownTime(row.until) })}</p>}
        {row.why !== undefined && <p>{sentence({ reason: row.reason, text: row.why })}</p>}
        <p class="code">
          {t('refused.id')} {row.decisionId}
        </p>
      </div>
    </div>
  );
}

function NotDone({ point, fault }: { point: ApiPointDetail; fault: ApiFault }) {
  const { problem } = fault;
  if (!problem.denied) return <Fault fault={fault} />;
  return (
    <Refusal
      title={t('refused.title')}
      action={point.write.action}
      name={point.name}
      names={namesOf([point])}
      problem={problem}
      denied={problem.denied}
    />
  );
}
