// Signing in: a local password, or the organization's identity provider where there is one.

import { useRef, useState } from 'preact/hooks';
import type { z } from 'zod';
import type { ApiMe, waysSchema } from '../../http/schema-sign-in.ts';
import { ApiFault, ask } from '../api.ts';
import { type Over, reached, signedIn } from '../session.ts';
import { useLoad } from '../store.ts';
import { LANGUAGE_NAMES, language, setLanguage, t } from '../words.ts';

export function SignIn({ over }: { over: Over | undefined }) {
  const ways = useLoad('ways', () => ask<z.output<typeof waysSchema>>('sign-in'));
  const isReached = reached.use();
  const [message, setMessage] = useState(over === undefined ? '' : t(`signIn.${over}`));
  const [busy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);

  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    if (!form.current || busy) return;
    const given = new FormData(form.current);
    setBusy(true);
    try {
      const body = { login: String(given.get('login') ?? ''), password: String(given.get('password') ?? '') };
      signedIn(await ask<ApiMe>('sign-in', { method: 'POST', body }));
    } catch (error) {
      setBusy(false);
      setMessage(error instanceof ApiFault ? told(error) : String(error));
    }
  }

  return (
    <main class="sign-in">
      <section class="sign-in-brand">
        <img src="/mark.svg" alt="" width="72" height="72" />
        <p class="name">Gatehouse</p>
        <p>{t('signIn.lead')}</p>
      </section>
      <section class="sign-in-form">
        <form ref={form} onSubmit={(event) => void submit(event)}>
          <h1>{t('signIn.title')}</h1>
          <div role="alert" class="sign-in-message">
            {(message !== '' || !isReached) && (
              <p class="warning grave">
                <wa-icon name="warning" />
                {isReached ? message : t('app.offline')}
              </p>
            )}
          </div>
          <label>
            {t('signIn.login')}
            <input name="login" type="text" autocomplete="username" autocapitalize="none" spellcheck={false} required />
          </label>
          <label>
            {t('signIn.password')}
            <input name="password" type="password" autocomplete="current-password" required />
          </label>
          <wa-button variant="brand" type="submit" loading={busy}>
            {t('signIn.go')}
          </wa-button>
          {ways.data?.providers.map(({ organization, name, path }, at) => (
            <div key={organization} class="provider">
              {at === 0 && <p class="or">{t('signIn.or')}</p>}
              <wa-button appearance="outlined" href={path}>
                {t('signIn.with', { name })}
              </wa-button>
            </div>
          ))}
        </form>
        <p class="languages">
          {(Object.entries(LANGUAGE_NAMES) as [keyof typeof LANGUAGE_NAMES, string][]).map(([code, name]) => (
            <button
              key={code}
              type="button"
              lang={code}
              aria-pressed={language.get() === code}
              onClick={() => setLanguage(code)}
            >
              {name}
            </button>
          ))}
        </p>
      </section>
    </main>
  );
}

function told({ problem }: ApiFault): string {
  if (problem.status === 401) return t('signIn.wrong');
  if (problem.status === 429) return t('signIn.wait', { n: problem.retryAfter ?? 60 });
  if (problem.status === 0) return t('app.offline');
  return problem.detail ?? problem.title;
}
