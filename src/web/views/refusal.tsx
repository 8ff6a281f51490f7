// A refusal that helps: which rule, which device, what right is missing, who has it, the decision's id, and one tap to ask.

import { useState } from 'preact/hooks';
import type { ApiPoint } from '../../http/schema-browse.ts';
import type { ApiDenied, ApiProblem } from '../../http/schema-shared.ts';
import { ApiFault, ask } from '../api.ts';
import { Fault } from '../parts.tsx';
import { t, word } from '../words.ts';

interface RefusalProps {
  readonly title: string;
  /** What was asked. */
  readonly action: string;
  readonly denied: readonly ApiDenied[];
  readonly problem?: ApiProblem;
  /** Of the point, where it is one. */
  readonly name?: string;
  /** Names of devices and points by id, as far as the view knows them. */
  readonly names?: { readonly [id: string]: string };
}

type Named = Pick<ApiPoint, 'id' | 'name' | 'device'>;

/** Of these points and their devices. */
export const namesOf = (points: readonly Named[]): { readonly [id: string]: string } =>
  Object.fromEntries(
    points.flatMap(({ id, name, device }) => [[id, name], ...(device ? [[device.id, device.name]] : [])]),
  );

const VALUE_REASONS = ['out-of-limits', 'rate-limited', 'stale-policy', 'journal-unavailable', 'no-policy'];

/** What came of asking: a denial with what helps, or any other fault. */
export function RefusalOrFault({
  fault,
  ...told
}: Omit<RefusalProps, 'denied' | 'problem'> & { readonly fault: ApiFault }) {
  const { problem } = fault;
  return problem.denied ? <Refusal {...told} denied={problem.denied} problem={problem} /> : <Fault fault={fault} />;
}

export function Refusal({ title, action, denied, problem, name, names = {} }: RefusalProps) {
  const targets = [...new Set(denied.flatMap(({ point, device, location }) => point ?? device ?? location ?? []))];
  const needed = denied.find((each) => each.needed !== undefined)?.needed ?? action;
  const canAsk = targets.length > 0 && denied.some(({ reason }) => !VALUE_REASONS.includes(reason));
  return (
    <section class="card refusal" aria-label={title}>
      <div class="refusal-head">
        <wa-icon name="lock" />
        <div>
          <h2>{title}</h2>
          {problem?.detail !== undefined && denied.length === 0 && <p>{problem.detail}</p>}
        </div>
      </div>
      <ul class="denials">
        {denied.map((each, at) => (
          <li key={`${each.point ?? each.device ?? each.location ?? ''}${at}`}>
            <p class="why">{word('reason', each.reason)}</p>
            <dl>
              <Target
                name={t('refused.point')}
                id={denied.length > 1 || name === undefined ? each.point : undefined}
                names={names}
              />
              <Target name={t('refused.device')} id={each.device} names={names} />
              <Target name={t('refused.location')} id={each.location} names={names} />
              <Row name={t('refused.rule')} value={each.rule ?? each.reason} />
              <Needed action={each.needed} />
              <Row name={t('refused.who')} value={whoCan(each)} isCode={false} />
              {each.text !== undefined && each.text !== each.reason && <Row name="" value={each.text} isCode={false} />}
            </dl>
          </li>
        ))}
      </ul>
      {problem?.decisionId !== undefined && (
        <p class="code">
          {t('refused.id')} {problem.decisionId}
          {problem.policyRevision !== undefined && ` · ${t('refused.revision', { n: problem.policyRevision })}`}
        </p>
      )}
      {canAsk && <AskFor action={needed} targets={targets} decisionId={problem?.decisionId} />}
    </section>
  );
}

function Target({
  name,
  id,
  names,
}: {
  name: string;
  id: string | undefined;
  names: { readonly [id: string]: string };
}) {
  if (id === undefined) return null;
  const known = names[id];
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {known !== undefined && `${known} `}
        <code>{id}</code>
      </dd>
    </div>
  );
}

function Row({ name, value, isCode = true }: { name: string; value: string | undefined; isCode?: boolean }) {
  if (value === undefined) return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd class={isCode ? 'mono' : ''}>{value}</dd>
    </div>
  );
}

function Needed({ action }: { action: string | undefined }) {
  if (action === undefined) return null;
  const said = word('action', action);
  return (
    <div>
      <dt>{t('refused.needs')}</dt>
      <dd>
        {said !== action && `${said} `}
        <code>{action}</code>
      </dd>
    </div>
  );
}

function whoCan({ askWhom }: ApiDenied): string | undefined {
  if (!askWhom) return undefined;
  if (askWhom.people.length > 0) {
    const more = askWhom.count - askWhom.people.length;
    return askWhom.people.map(({ name }) => name).join(', ') + (more > 0 ? ` +${more}` : '');
  }
  return askWhom.withheld || askWhom.count > 0 ? t('refused.others', { n: askWhom.count || '?' }) : t('refused.nobody');
}

interface AskProps {
  readonly action: string;
  readonly targets: readonly string[];
  readonly decisionId?: string | undefined;
}

function AskFor({ action, targets, decisionId }: AskProps) {
  const [asked, setAsked] = useState<number>();
  const [fault, setFault] = useState<ApiFault>();
  const [busy, setBusy] = useState(false);

  async function send(): Promise<void> {
    setBusy(true);
    setFault(undefined);
    try {
      const body = { action, targets: targets.slice(0, 50), ...(decisionId !== undefined && { decisionId }) };
      setAsked((await ask<{ number: number }>('access-requests', { method: 'POST', body })).number);
    } catch (error) {
      if (error instanceof ApiFault) setFault(error);
    }
    setBusy(false);
  }

  if (asked !== undefined) {
    return (
      <p class="note good" role="status">
        <wa-icon name="check" />
        {t('refused.asked', { n: asked })}
      </p>
    );
  }
  return (
    <>
      {fault && <Fault fault={fault} />}
      <wa-button variant="brand" appearance="outlined" loading={busy} onClick={() => void send()}>
        <wa-icon slot="start" name="send" />
        {t('refused.ask')}
      </wa-button>
    </>
  );
}
