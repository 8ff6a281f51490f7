// Keeps the page's own files, so that it opens at once and says itself when the gateway is away. Invariants: 1. nothing under
// /api/ is ever answered or kept here; 2. only this build's files are kept; 3. nothing from elsewhere is fetched.

/** Put in by the build: what the page consists of, and a name for exactly that. */
declare const BUILT: { readonly version: string; readonly files: readonly string[] };

interface LifeEvent extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface FetchEvent extends Event {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
}
interface Worker {
  addEventListener(name: 'install' | 'activate', heard: (event: LifeEvent) => void): void;
  addEventListener(name: 'fetch', heard: (event: FetchEvent) => void): void;
  skipWaiting(): Promise<void>;
  readonly clients: { claim(): Promise<void> };
}

const worker = globalThis as unknown as Worker;
const CACHE = `gatehouse-${BUILT.version}`;

worker.addEventListener('install', (event) => {
  const keep = async (): Promise<void> => {
    await (await caches.open(CACHE)).addAll([...BUILT.files]);
    await worker.skipWaiting();
  };
  event.waitUntil(keep());
});

worker.addEventListener('activate', (event) => {
  const tidy = async (): Promise<void> => {
    for (const name of await caches.keys()) if (name !== CACHE) await caches.delete(name);
    await worker.clients.claim();
  };
  event.waitUntil(tidy());
});

worker.addEventListener('fetch', (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== 'GET' || origin !== location.origin || pathname.startsWith('/api/')) return;
  if (BUILT.files.includes(pathname)) event.respondWith(answer(request, pathname));
});

/** The document from the gateway first, so that a new build is seen; everything else is named by its content. */
async function answer(request: Request, pathname: string): Promise<Response> {
  const kept = await caches.match(pathname, { cacheName: CACHE } as CacheQueryOptions);
  if (kept && pathname !== '/') return kept;
  try {
    return await fetch(request);
  } catch (error) {
    if (kept) return kept;
    throw error;
  }
}
