// Where the page begins: components, language, appearance, then who is signed in.

import '@awesome.me/webawesome/dist/styles/themes/default.css';
import 'uplot/dist/uPlot.min.css';
import './styles/theme.css';
import './styles/base.css';
import './styles/frame.css';
import './styles/sign-in.css';
import './styles/plant.css';
import './styles/work.css';
import './styles/admin.css';
import './styles/jobs.css';
import { render } from 'preact';
import { App } from './app.tsx';
import { followAppearance } from './appearance.ts';
import { useOwnIcons } from './elements.ts';
import { holdUnderFinger } from './live.ts';
import { lookWhoIsIn } from './session.ts';
import { language, setLanguage } from './words.ts';

useOwnIcons();
setLanguage(language.get());
followAppearance();
holdUnderFinger();
void lookWhoIsIn();
const page = document.querySelector('#page');
if (page) render(<App />, page);
// Where the browser does not trust the certificate there is none of this, and the page works all the same.
if ('serviceWorker' in navigator) void navigator.serviceWorker.register('/sw.js').catch(() => {});
