// Light, dark, or as the system has it.

import { createStore } from './store.ts';

export const APPEARANCES = ['system', 'light', 'dark'] as const;
type Appearance = (typeof APPEARANCES)[number];

const kept = localStorage.getItem('appearance');
export const appearance = createStore<Appearance>(APPEARANCES.find((each) => each === kept) ?? 'system');
const prefersDark = matchMedia('(prefers-color-scheme: dark)');

function apply(): void {
  const isDark = appearance.get() === 'dark' || (appearance.get() === 'system' && prefersDark.matches);
  document.documentElement.classList.toggle('wa-dark', isDark);
  document.documentElement.classList.toggle('wa-light', !isDark);
}

export function followAppearance(): void {
  prefersDark.addEventListener('change', apply);
  apply();
}

export function setAppearance(next: Appearance): void {
  localStorage.setItem('appearance', next);
  appearance.set(next);
  apply();
}
