// One point whole: its value, the change, its day, who holds it, and who changed it last.

import type { ApiPointDetail } from '../../http/schema-browse.ts';
import { Value } from '../parts.tsx';
import { may, useMe } from '../session.ts';
import { useNow } from '../store.ts';
import { shownAge, shownMoment, shownValue, t, word } from '../words.ts';
import { ChangeForm } from './change-form.tsx';
import { OverridesOf } from './overrides.tsx';
import { namesOf, Refusal } from './refusal.tsx';
import { Slots } from './slots.tsx';
import { Trend } from './trend.tsx';

const NEVER_WRITTEN_HERE = ['sensor', 'firmware'];

export function Point({ point, reload }: { point: ApiPointDetail; reload: () => void }) {
  const me = useMe();
  const canChange = !NEVER_WRITTEN_HERE.includes(point.class);
  return (
    <>
      <div class="point-head">
        <div>
          <p class="kicker">{t(`one.${point.class}`)}</p>
          <h1>{point.name}</h1>
          <p class="code">{point.id}</p>
        </div>
        {point.class !== 'firmware' && <Value point={point} big />}
      </div>
      {canChange &&
        (point.write.permitted ? (
          <ChangeForm key={point.id} point={point} reload={reload} />
        ) : (
          <Refusal
            title={t('refused.title')}
            action={point.write.action}
            denied={point.write.denied}
            name={point.name}
            names={namesOf([point])}
          />
        ))}
      {point.overrides.length > 0 && <OverridesOf point={point} reload={reload} />}
      <section class="card">
        <h2>{t('last.title')}</h2>
        <LastChange point={point} />
      </section>
      {may(me, 'trend.view') && point.class !== 'firmware' && typeof point.reading.value !== 'string' && (
        <Trend point={point} />
      )}
      {point.slots && <Slots slots={point.slots} unit={point.unit} step={point.step} />}
    </>
  );
}

function LastChange({ point }: { point: ApiPointDetail }) {
  const now = useNow(10_000);
  const { lastChange, unit, step } = point;
  if (!lastChange) return <p class="quiet">{t('last.none')}</p>;
  return (
    <p class="last">
      {lastChange.value !== undefined && <strong>{shownValue(lastChange.value, unit, step)}</strong>}
      <span title={shownMoment(lastChange.at)}>
        {t('last.by', { who: lastChange.by ?? t('last.someone'), age: shownAge(lastChange.at, now) })}
      </span>
      {lastChange.outcome !== undefined && <span class="tag">{word('log.outcome', lastChange.outcome)}</span>}
    </p>
  );
}
