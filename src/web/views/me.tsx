// Oneself: name, appearance, language, rights, and the way out.

import { useState } from 'preact/hooks';
import type { ApiFault } from '../api.ts';
import { APPEARANCES, appearance, setAppearance } from '../appearance.ts';
import { Fault, Heading } from '../parts.tsx';
import { signOut, useMe } from '../session.ts';
import { LANGUAGE_NAMES, type Language, language, setLanguage, shownTime, t, word } from '../words.ts';

const typedOf = (event: Event): string => String((event.currentTarget as HTMLInputElement).value);

export function Me() {
  const me = useMe();
  const look = appearance.use();
  const [fault, setFault] = useState<ApiFault>();
  return (
    <>
      <Heading title={me.name} lead={me.organization.name} />
      <section class="card settings">
        <wa-radio-group
          label={t('me.theme')}
          orientation="horizontal"
          value={look}
          onchange={(event: Event) => setAppearance(APPEARANCES.find((each) => each === typedOf(event)) ?? 'system')}
        >
          {APPEARANCES.map((each) => (
            <wa-radio key={each} appearance="button" value={each}>
              {t(`me.theme.${each}`)}
            </wa-radio>
          ))}
        </wa-radio-group>
        <wa-radio-group
          label={t('me.language')}
          orientation="horizontal"
          value={language.get()}
          onchange={(event: Event) => setLanguage(typedOf(event) as Language)}
        >
          {Object.entries(LANGUAGE_NAMES).map(([code, name]) => (
            <wa-radio key={code} appearance="button" value={code}>
              {name}
            </wa-radio>
          ))}
        </wa-radio-group>
        {me.session && <p class="quiet">{t('me.until', { time: shownTime(me.session.until) })}</p>}
        <wa-button
          variant="danger"
          appearance="outlined"
          onClick={() => void signOut().catch((error: ApiFault) => setFault(error))}
        >
          <wa-icon slot="start" name="sign-out" />
          {t('me.signOut')}
        </wa-button>
        {fault && <Fault fault={fault} />}
      </section>
      <section class="card">
        <h2>{t('me.rights')}</h2>
        <ul class="rights">
          {me.can.map((right) => (
            <li key={right} class="tag" title={right}>
              {word('action', right)}
            </li>
          ))}
        </ul>
      </section>
    </>
  );
}
