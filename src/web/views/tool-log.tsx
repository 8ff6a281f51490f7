// What one's tool just did, as the record has it, live.

import { useEffect, useState } from 'preact/hooks';
import { t, word } from '../words.ts';
import { type Row, RowText } from './record-row.tsx';

const MOST_SHOWN = 100;

export function ToolLog({ id, ended }: { id: string; ended: () => void }) {
  const [rows, setRows] = useState<readonly { number: number; row: Row }[]>([]);
  const [over, setOver] = useState<string>();
  useEffect(() => {
    const source = new EventSource(`/api/v1/tool-sessions/${encodeURIComponent(id)}/events`);
    source.addEventListener('row', (event) => {
      const row = JSON.parse((event as MessageEvent<string>).data) as { number: number; row: Row };
      setRows((before) => [row, ...before.filter(({ number }) => number !== row.number)].slice(0, MOST_SHOWN));
    });
    source.addEventListener('over', (event) => {
      source.close();
      setOver((JSON.parse((event as MessageEvent<string>).data) as { why?: string }).why ?? '');
      ended();
    });
    source.addEventListener('end', () => source.close());
    return () => source.close();
  }, [id]);
  return (
    <div class="tool-log">
      <h3>{t('tool.log')}</h3>
      {over !== undefined && <p class="warning">{t('tool.over', { why: word('reason', over) })}</p>}
      {rows.length === 0 && <p class="quiet">{t('tool.quiet')}</p>}
      <ol aria-live="polite">
        {rows.map(({ number, row }) => (
          <li key={number} class={row.kind}>
            <RowText row={row} />
          </li>
        ))}
      </ol>
    </div>
  );
}
