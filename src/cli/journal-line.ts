// A row of the record as one line for a person.

import type { StoredRow } from '../contract/journal.ts';
import type { Outcome, RecordedEffect, RecordedValue, Who } from '../model/journal-row.ts';
import { oneLine } from '../model/printable.ts';

function valueText(value: RecordedValue | undefined): string {
  if (value === undefined) return '?';
  if (value === null) return 'NULL';
  if (typeof value === 'object') return 'integer' in value ? value.integer : value.float;
  return String(value);
}

function whoText(who: Who): string {
  const proof = who.proof.kind === 'none' ? '' : ` (${who.proof.kind})`;
  return `${who.principal ?? 'nobody known'}${proof} from ${who.from}`;
}

function effectText(effect: RecordedEffect): string {
  const priority = effect.priority === undefined ? '' : ` @${effect.priority}`;
  if (effect.new === undefined) return `${effect.action} ${effect.target}`;
  const old = effect.old === undefined && effect.oldUnknown !== undefined ? '?' : valueText(effect.old);
  return effect.reason === undefined
    ? `${effect.target} ${old} → ${valueText(effect.new)}${priority}`
    : `${effect.target} → ${valueText(effect.new)}${priority}`;
}

function outcomeText(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'acknowledged':
      return 'acknowledged by the device';
    case 'refused-by-device':
      return `refused by the device: ${outcome.answer}`;
    case 'unknown':
      return `unknown: ${outcome.why}`;
    case 'stopped':
      return `stopped before it was whole: ${outcome.why}`;
    case 'not-sent':
      return `not sent: ${outcome.why}`;
    case 'withdrawn':
      return `withdrawn: ${outcome.reason}`;
  }
}

/** `number time kind: what`, one line whatever a device or a tool has put into its texts. */
export function describeRow(stored: StoredRow): string {
  return oneLine(lineOf(stored));
}

function lineOf({ number, row }: StoredRow): string {
  const head = `${String(number).padStart(6)} ${new Date(row.at).toISOString()} ${row.kind.padEnd(8)}`;
  switch (row.kind) {
    case 'intent': {
      const by = row.by === 'permit' ? 'permit' : `${row.by}${row.wouldDeny ? ` (would deny ${row.wouldDeny})` : ''}`;
      const approved = row.approvedBy === undefined ? '' : `, approved by ${row.approvedBy.join(', ')}`;
      const { firmware } = row;
      const image = firmware
        ? `, image ${firmware.image.slice(0, 12)} ${firmware.oldVersion ?? '?'} to ${firmware.newVersion}`
        : '';
      return `${head} ${by} ${row.decision}: ${whoText(row.who)} ${row.operation} ${row.effects.map(effectText).join(', ')}${image}${approved} [revision ${row.revision}]`;
    }
    case 'outcome': {
      const readBack = row.readBack?.map(({ target, value }) => `${target} = ${valueText(value)}`).join(', ');
      const count = row.count === undefined ? '' : `, ${row.count} times`;
      return `${head} ${row.decision}: ${outcomeText(row.outcome)}${count}${readBack ? `, read back ${readBack}` : ''}`;
    }
    case 'refusal': {
      const count = row.count > 1 ? `, ${row.count} times` : '';
      const target = row.target === undefined ? '' : ` at ${row.target}`;
      return `${head} deny ${row.decision}: ${whoText(row.who)} ${row.operation} ${row.effects.map(effectText).join(', ')}: ${row.reason}${target}${count}${row.detail ? ` (${row.detail})` : ''}`;
    }
    case 'session':
      return `${head} ${row.event} ${row.session}: ${row.principal} at ${row.address}${row.why ? ` (${row.why})` : ''}`;
    case 'system':
      return `${head} ${row.event} ${JSON.stringify(row.detail)}`;
  }
}
