// The search field of the frame: what is typed becomes the search view's address, a moment after the last key.

import { useEffect, useRef, useState } from 'preact/hooks';
import { go } from './route.ts';
import { t } from './words.ts';

/** Shorter than between two keys of most people: nobody waits for it, and few answers are thrown away. */
const PAUSE_MS = 40;

export function SearchField({ initial }: { initial: string }) {
  const [text, setText] = useState(initial);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const field = useRef<HTMLInputElement>(null);
  // What is being typed is newer than the address it leads to.
  useEffect(() => {
    if (initial === '' || document.activeElement !== field.current) setText(initial);
  }, [initial]);
  // Who has gone elsewhere meanwhile is not fetched back; the letter before the last leads to the search and is nowhere else.
  useEffect(() => {
    const forget = (): void => {
      if (!location.hash.startsWith('#/search')) clearTimeout(timer.current);
    };
    addEventListener('hashchange', forget);
    return () => removeEventListener('hashchange', forget);
  }, []);
  const look = (q: string): void => {
    clearTimeout(timer.current);
    const isSearching = location.hash.startsWith('#/search');
    if (q.trim() !== '') go(`#/search?q=${encodeURIComponent(q.trim())}`, isSearching);
  };
  return (
    <search>
      <form
        class="search"
        onSubmit={(event) => {
          event.preventDefault();
          look(text);
        }}
      >
        <wa-icon name="search" />
        <input
          ref={field}
          type="search"
          value={text}
          placeholder={t('search.label')}
          aria-label={t('search.label')}
          autocomplete="off"
          onInput={({ currentTarget }) => {
            const { value } = currentTarget;
            setText(value);
            clearTimeout(timer.current);
            timer.current = setTimeout(() => look(value), PAUSE_MS);
          }}
        />
      </form>
    </search>
  );
}
