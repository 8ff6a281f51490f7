// Adding an image: its signed manifest first, then its octets in pieces, going on where they broke off; or the gateway gets it itself.

import { useRef, useState } from 'preact/hooks';
import type { ApiImage } from '../../http/schema-jobs.ts';
import { ApiFault, ask, seg } from '../api.ts';
import { Fault } from '../parts.tsx';
import { t } from '../words.ts';
import { shownProgress } from '../work.ts';

/** A request may take ten seconds. */
const PIECE = 1_048_576;
const TRIES = 5;
const REST_MS = 1500;

interface Sent {
  readonly sent: number;
  readonly total: number;
  readonly perSecond: number;
}

export function AddImage({ added }: { added: () => void }) {
  const form = useRef<HTMLFormElement>(null);
  const [sent, setSent] = useState<Sent>();
  const [busy, setBusy] = useState(false);
  const [done, setDone] = useState<string>();
  const [fault, setFault] = useState<ApiFault>();

  async function add(): Promise<void> {
    if (!form.current || busy) return;
    const given = new FormData(form.current);
    const [manifest, content, url] = [
      given.get('manifest'),
      given.get('content'),
      String(given.get('url') ?? '').trim(),
    ];
    if (!(manifest instanceof File)) return;
    setBusy(true);
    setFault(undefined);
    setDone(undefined);
    try {
      const text = (await manifest.text()).trim();
      const image = await ask<ApiImage>('images', { method: 'POST', body: { manifest: text } });
      added();
      if (url !== '') await ask(`images/${seg(image.id)}/fetch`, { method: 'POST', body: { url } });
      else if (content instanceof File && content.size > 0) await upload(image, content, setSent);
      setDone(`${image.model} ${image.version}`);
      form.current.reset();
    } catch (error) {
      if (error instanceof ApiFault) setFault(error);
    }
    setSent(undefined);
    setBusy(false);
    added();
  }

  return (
    <details class="card add-image">
      <summary>{t('image.add')}</summary>
      <form
        ref={form}
        onSubmit={(event) => {
          event.preventDefault();
          void add();
        }}
      >
        <p class="quiet">{t('image.addLead')}</p>
        <div class="claim-fields">
          <label>
            {t('image.manifest')}
            <input name="manifest" type="file" required />
          </label>
          <label>
            {t('image.content')}
            <input name="content" type="file" />
          </label>
          <label>
            {t('image.url')}
            <input name="url" type="url" placeholder="https://" autocomplete="off" />
          </label>
        </div>
        {sent && (
          <>
            <wa-progress-bar value={Math.round((sent.sent / sent.total) * 100)} label={t('image.sending')} />
            <small>{shownProgress(sent)}</small>
          </>
        )}
        <div class="actions">
          <wa-button variant="brand" type="submit" loading={busy}>
            {t('image.addNow')}
          </wa-button>
        </div>
      </form>
      {done !== undefined && (
        <p class="note good" role="status">
          <wa-icon name="check" />
          {t('image.added', { name: done })}
        </p>
      )}
      {fault && <Fault fault={fault} />}
    </details>
  );
}

/** @throws ApiFault where it went wrong for good */
async function upload(image: ApiImage, content: File, told: (sent: Sent) => void): Promise<void> {
  const begun = performance.now();
  const first = image.received;
  let at = image;
  for (let failed = 0; at.state === 'receiving'; ) {
    if (at.received >= content.size) throw new ApiFault({ type: 'about:blank', title: t('image.short'), status: 422 });
    try {
      const piece = { octets: content.slice(at.received, at.received + PIECE), offset: at.received };
      at = await ask<ApiImage>(`images/${seg(image.id)}/content`, { method: 'PUT', piece });
      failed = 0;
      const perSecond = ((at.received - first) / (performance.now() - begun)) * 1000;
      told({ sent: at.received, total: at.size, perSecond });
    } catch (error) {
      // Somebody else sent meanwhile, or the line broke: the gateway knows how far it is.
      const isWorth = error instanceof ApiFault && [0, 409].includes(error.problem.status);
      failed += 1;
      if (!isWorth || failed > TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, REST_MS));
      at = await ask<ApiImage>(`images/${seg(image.id)}`).catch(() => at);
    }
  }
}
