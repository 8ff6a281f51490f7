// How the gateway is: policy and its freshness, record, cloud, clock, drivers with their listeners and lines.

import type { ComponentChildren } from 'preact';
import type { z } from 'zod';
import type { standingSchema } from '../../http/schema-admin.ts';
import { ask } from '../api.ts';
import { Busy, Fault } from '../parts.tsx';
import { useEvery, useLoad } from '../store.ts';
import { shownMoment, t } from '../words.ts';

type Standing = z.output<typeof standingSchema>;

export function StandingView() {
  const standing = useLoad('standing', (signal) => ask<Standing>('standing', { signal }));
  useEvery(5000, standing.reload);
  if (standing.fault && !standing.data) return <Fault fault={standing.fault} again={standing.reload} />;
  if (!standing.data) return <Busy />;
  const { policy, journal, cloud, clockSure, ready, remarks, drivers, gateway, version, startedAt } = standing.data;
  const { webSessions, toolSessions, streams } = standing.data;
  return (
    <>
      <div class="facts">
        <Fact name={gateway} good={ready} value={t(ready ? 'standing.ready' : 'standing.notReady')}>
          {t('standing.since', { version, time: shownMoment(startedAt) })}
        </Fact>
        <Fact
          name={t('standing.policy')}
          good={policy?.mode === 'enforce'}
          value={policy ? t('standing.revision', { n: policy.revision }) : '–'}
        >
          {policy && <PolicyText policy={policy} />}
        </Fact>
        <Fact
          name={t('standing.journal')}
          good={journal.writable}
          value={journal.writable ? t('standing.writable') : t('standing.notWritable', { why: journal.why ?? '' })}
        />
        <Fact
          name={t('standing.cloud')}
          good={cloud?.startsWith('connected') === true}
          value={cloud?.split(/[ ,(]/)[0] ?? t('standing.noCloud')}
        >
          {cloud?.replace(/^\w+[ ,]*/, '')}
        </Fact>
        <Fact
          name={t('standing.clock')}
          good={clockSure}
          value={t(clockSure ? 'standing.clockSure' : 'standing.clockUnsure')}
        />
        <Fact
          name={t('standing.people')}
          good
          value={t('standing.sessions', { web: webSessions, tools: toolSessions, streams })}
        />
      </div>
      {remarks.length > 0 && (
        <section class="group">
          <h2>{t('standing.remarks')}</h2>
          <ul class="card plain">
            {remarks.map((remark) => (
              <li key={remark}>{remark}</li>
            ))}
          </ul>
        </section>
      )}
      {drivers.map((driver) => (
        <Driver key={driver.name} driver={driver} />
      ))}
    </>
  );
}

function PolicyText({ policy }: { policy: NonNullable<Standing['policy']> }) {
  const { mode, observeUntil, expiresAt, devices, points } = policy;
  return (
    <>
      {mode === 'observe'
        ? t('standing.observe', { time: observeUntil === undefined ? '' : shownMoment(observeUntil) })
        : t('standing.enforce')}
      {', '}
      {expiresAt === undefined ? t('standing.noExpiry') : t('standing.expires', { time: shownMoment(expiresAt) })}
      <br />
      {t('standing.inventory', { devices, points })}
    </>
  );
}

interface FactProps {
  readonly name: string;
  readonly good: boolean;
  readonly value: string;
  readonly children?: ComponentChildren;
}

function Fact({ name, good, value, children }: FactProps) {
  return (
    <section class={`card fact ${good ? 'good' : 'odd'}`}>
      <h2>{name}</h2>
      <p class="fact-value">{value}</p>
      {children !== undefined && <p class="quiet">{children}</p>}
    </section>
  );
}

function Driver({ driver }: { driver: Standing['drivers'][number] }) {
  return (
    <section class="group">
      <h2>{driver.name}</h2>
      <ul class="rows card">
        {driver.listening.map(({ name, address, port, transport }) => (
          <li key={name} class="row still">
            <span class="row-name">
              {name}
              <small>{t('standing.listening')}</small>
            </span>
            <code>
              {address}:{port}/{transport}
            </code>
          </li>
        ))}
        {driver.lines.map(({ name, state, why }) => (
          <li key={name} class="row still">
            <span class="row-name">
              {name}
              {why !== undefined && <small>{why}</small>}
            </span>
            <span class={`tag ${state === 'up' ? 'on' : state === 'down' ? 'bad' : ''}`}>{t(`standing.${state}`)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
