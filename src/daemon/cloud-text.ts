// The cloud side in one line, for `gatehouse status`.

import type { CloudStatus } from '../cloud/cloud.ts';

const instant = (ms: number) => new Date(ms).toISOString();

/** Connection, desired and active revision, freshness, faults, locks, unsent rows. */
export function cloudText({ link, active, underWay, state, report, locks, upload, root }: CloudStatus): string {
  const words: string[] = [link.is === 'connected' ? `connected (MQTT ${link.mqtt})` : link.is];
  if (link.is === 'waiting') words[0] = `not connected: ${link.why}`;
  words.push(active ? `active epoch ${active.epoch} revision ${active.revision} (${state})` : 'no policy');
  if (underWay) words.push(`epoch ${underWay.epoch} revision ${underWay.revision} on its way`);
  if (report?.state === 'refused') {
    const desired = report.revision === null ? 'a policy' : `epoch ${report.epoch} revision ${report.revision}`;
    const [fault] = report.faults;
    const where = fault ? `: ${fault.path === '' ? '' : `${fault.path} `}found ${fault.found}` : '';
    words.push(`${desired} REFUSED \`${report.code}\` with ${report.faults.length} faults${where}`);
  }
  if (active?.refreshBy !== undefined) words.push(`fresh until ${instant(active.refreshBy)}`);
  if (active?.expiresAt !== undefined) words.push(`expires ${instant(active.expiresAt)}`);
  if (locks && locks.count > 0) words.push(`${locks.count} locks`);
  if (upload) {
    words.push(`${upload.unsent} journal rows unsent`);
    if (upload.why !== null) words.push(`upload STOPPED: ${upload.why}`);
  }
  words.push(`root version ${root.version} ${root.fingerprint.slice(0, 16)}`);
  return words.join(', ');
}
