// Tells systemd how the daemon is (sd_notify(3)). Node has no unix datagram sockets, so the words go through
// `systemd-notify`, for which the unit says NotifyAccess=all. Without NOTIFY_SOCKET nothing happens.

import { execFile } from 'node:child_process';

interface Notifier {
  ready(status: string): void;
  status(text: string): void;
  stopping(): void;
  /** Ends the watchdog's beat. */
  close(): void;
}

const silent: Notifier = { ready() {}, status() {}, stopping() {}, close() {} };

/** `alive` is asked before every beat of the watchdog: false lets systemd restart the daemon. */
export function createNotifier(environment: NodeJS.ProcessEnv, alive: () => boolean): Notifier {
  if (!environment.NOTIFY_SOCKET) return silent;
  const say = (...words: string[]): void => {
    execFile('systemd-notify', [`--pid=${process.pid}`, ...words], { env: environment }, () => {});
  };
  const watchdogUs = Number(environment.WATCHDOG_USEC ?? 0);
  const beat =
    watchdogUs > 0
      ? setInterval(() => {
          if (alive()) say('WATCHDOG=1');
        }, watchdogUs / 2000)
      : undefined;
  beat?.unref();
  return {
    ready: (status) => say('--ready', `--status=${status}`),
    status: (text) => say(`--status=${text}`),
    stopping: () => say('STOPPING=1'),
    close: () => clearInterval(beat),
  };
}
