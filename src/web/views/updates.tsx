// Firmware: the images the gateway holds, adding one, and from a chosen image to the devices that are to run it.

import { useState } from 'preact/hooks';
import type { ApiImage } from '../../http/schema-jobs.ts';
import { ApiFault, ask, type Page, query, seg } from '../api.ts';
import { Busy, Fault, Icon, More } from '../parts.tsx';
import { may, useMe } from '../session.ts';
import { usePages } from '../store.ts';
import { shownMoment, t } from '../words.ts';
import { shownOctets, shownProgress, useWork } from '../work.ts';
import { AddImage } from './add-image.tsx';
import { JobOrder } from './job-order.tsx';

const AT_ONCE = 50;

export function Updates() {
  const pages = usePages('images', (signal, cursor) =>
    ask<Page<ApiImage>>(`images${query({ limit: AT_ONCE, cursor })}`, { signal }),
  );
  const [heard, setHeard] = useState<ReadonlyMap<string, ApiImage | undefined>>(new Map());
  const [chosen, setChosen] = useState<string>();
  useWork({
    image(image) {
      if (!pages.items?.some(({ id }) => id === image.id)) pages.reload();
      setHeard((before) => new Map(before).set(image.id, image));
    },
    again: pages.reload,
    gone: ({ kind, id }) => kind === 'image' && setHeard((before) => new Map(before).set(id, undefined)),
  });
  const items = (pages.items ?? []).flatMap((each) => (heard.has(each.id) ? (heard.get(each.id) ?? []) : each));
  const image = items.find(({ id, state }) => id === chosen && state === 'ready');
  return (
    <>
      <AddImage added={pages.reload} />
      {pages.fault && <Fault fault={pages.fault} again={pages.reload} />}
      {!pages.items && !pages.fault && <Busy />}
      {pages.items?.length === 0 && <p class="quiet">{t('image.none')}</p>}
      {items.length > 0 && (
        <section class="group">
          <h2>{t('image.title')}</h2>
          <ul class="images">
            {items.map((each) => (
              <ImageCard
                key={each.id}
                image={each}
                isChosen={each.id === chosen}
                choose={() => setChosen(each.id === chosen ? undefined : each.id)}
                removed={pages.reload}
              />
            ))}
          </ul>
          <More pages={pages} />
        </section>
      )}
      {image && <JobOrder key={image.id} kind="firmware" image={image} />}
    </>
  );
}

interface ImageCardProps {
  readonly image: ApiImage;
  readonly isChosen: boolean;
  choose(): void;
  removed(): void;
}

function ImageCard({ image, isChosen, choose, removed }: ImageCardProps) {
  const me = useMe();
  const [fault, setFault] = useState<ApiFault>();
  const { id, vendor, model, version, minimumVersion, permitsDowngrade, notes, size, received, state } = image;
  const { key, addedAt, addedBy, own, fetching } = image;

  async function remove(): Promise<void> {
    try {
      await ask(`images/${seg(id)}`, { method: 'DELETE' });
      removed();
    } catch (error) {
      if (error instanceof ApiFault) setFault(error);
    }
  }

  return (
    <li class={`card image ${isChosen ? 'chosen' : ''}`}>
      <div class="tool-head">
        <span class="glyph">
          <Icon name="chip" />
        </span>
        <div>
          <strong>
            {model} {version}
          </strong>
          <small>
            {vendor} · {shownOctets(size)}
            {minimumVersion !== undefined && ` · ${t('image.from', { version: minimumVersion })}`}
          </small>
        </div>
        {permitsDowngrade && <span class="tag amber">{t('image.downgrade')}</span>}
        <span class={`tag ${state === 'ready' ? 'on' : 'amber'}`}>{t(`image.${state}`)}</span>
      </div>
      {state === 'receiving' && (
        <>
          <wa-progress-bar value={Math.round((received / size) * 100)} label={t('job.progressOf', { name: model })} />
          <small>{shownProgress({ sent: received, total: size, perSecond: 0 })}</small>
        </>
      )}
      {fetching?.why !== undefined && <p class="why">{fetching.why}</p>}
      {notes !== undefined && <p>{notes}</p>}
      <small class="code">
        {t('image.signed', { key })} · SHA-256 {id.slice(0, 16)}… ·{' '}
        {t('job.by', { who: own ? t('over.you') : (addedBy ?? t('over.someone')), time: shownMoment(addedAt) })}
      </small>
      {fault && <Fault fault={fault} />}
      <div class="actions">
        <wa-button
          variant="brand"
          appearance={isChosen ? 'accent' : 'outlined'}
          disabled={state !== 'ready'}
          onClick={choose}
        >
          {isChosen && <wa-icon slot="start" name="check" />}
          {t(isChosen ? 'image.chosen' : 'image.choose')}
        </wa-button>
        {(own || may(me, 'admin.manage')) && (
          <wa-button appearance="plain" onClick={() => void remove()}>
            <wa-icon name="trash" label={t('image.remove', { name: `${model} ${version}` })} />
          </wa-button>
        )}
      </div>
    </li>
  );
}
