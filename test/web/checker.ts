// WCAG 2.2 AA by axe, the size of what has to be hit, and nothing wider than the screen.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Visit } from './browser.ts';

/** The checker, as one script. */
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
/** What a person with a glove or a trembling hand has to hit; links inside a sentence are not targets of their own. */
const SMALL_TARGETS = `(() => {
  const found = [];
  const look = (root) => {
    for (const element of root.querySelectorAll('*')) {
      if (element.shadowRoot) look(element.shadowRoot);
      if (!element.matches('a[href], button, input, select, summary, [role=combobox]')) continue;
      const { width, height } = element.getBoundingClientRect();
      const host = element.getRootNode().host;
      const outer = (element.closest('label') ?? host ?? element).getBoundingClientRect();
      const tall = Math.max(height, outer.height);
      if (width > 0 && height > 0 && element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && (tall < 47.5 || Math.max(width, outer.width) < 47.5))
        found.push(element.outerHTML.slice(0, 120) + ' ' + Math.round(width) + 'x' + Math.round(height));
    }
  };
  look(document);
  return found;
})()`;

/** What cannot be seen without moving the page sideways; a strip that scrolls by itself may be longer. */
const BEYOND = `[...document.querySelectorAll('#page *')].filter((part) => {
  const { width, right } = part.getBoundingClientRect();
  return width > 1 && right > innerWidth + 1 && part.checkVisibility() && !part.closest('.tabs, .chart, .ticks, .dots');
}).map((part) => part.outerHTML.slice(0, 120))`;

interface AxeResult {
  readonly violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[];
}

/** What the checker and the measure of targets find on the page as it is, each with the view's name. */
export async function faultsOf({ page }: Visit, name: string): Promise<string[]> {
  // The page's policy lets no script in; the checker comes by the debugger's way.
  if (await page.evaluate('typeof axe === "undefined"')) await page.evaluate(AXE);
  const result = (await page.evaluate(
    `axe.run(document, { runOnly: ${JSON.stringify(RULES)}, resultTypes: ['violations'] })`,
  )) as AxeResult;
  const small = (await page.evaluate(SMALL_TARGETS)) as string[];
  const beyond = (await page.evaluate(BEYOND)) as string[];
  return [
    ...result.violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${name}: ${id}: ${html.slice(0, 200)}`)),
    ...small.map((target) => `${name}: smaller than 48 px: ${target}`),
    ...beyond.map((part) => `${name}: beyond the screen: ${part}`),
  ];
}
