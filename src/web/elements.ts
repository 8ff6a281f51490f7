// The components the page uses, from the library; their icons come from one file of this gateway.

import '@awesome.me/webawesome/dist/components/button/button.js';
import '@awesome.me/webawesome/dist/components/callout/callout.js';
import '@awesome.me/webawesome/dist/components/copy-button/copy-button.js';
import '@awesome.me/webawesome/dist/components/icon/icon.js';
import '@awesome.me/webawesome/dist/components/input/input.js';
import '@awesome.me/webawesome/dist/components/number-input/number-input.js';
import '@awesome.me/webawesome/dist/components/option/option.js';
import '@awesome.me/webawesome/dist/components/progress-bar/progress-bar.js';
import '@awesome.me/webawesome/dist/components/radio-group/radio-group.js';
import '@awesome.me/webawesome/dist/components/radio/radio.js';
import '@awesome.me/webawesome/dist/components/select/select.js';
import '@awesome.me/webawesome/dist/components/spinner/spinner.js';
import '@awesome.me/webawesome/dist/translations/de.js';
import { registerIconLibrary } from '@awesome.me/webawesome/dist/components/icon/library.js';

/** Every icon is a symbol of `/icons.svg`: nothing is fetched from elsewhere, and no `data:` address is needed. */
export function useOwnIcons(): void {
  for (const name of ['default', 'system']) {
    registerIconLibrary(name, {
      resolver: (icon) => `/icons.svg#${icon}`,
      spriteSheet: true,
      // Without a width of its own it would be 300 px wide, unseen, and take the clicks meant for what is beside it.
      mutator: (svg) => svg.setAttribute('width', '1em'),
    });
  }
}
