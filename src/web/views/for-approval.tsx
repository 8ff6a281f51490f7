// What is said where others have to approve first: how many, and a word to them.

import { t } from '../words.ts';

interface ForApprovalProps {
  readonly approvals: number;
  /** `change.needsApproval` or `batch.needsApproval`. */
  readonly of: 'change' | 'batch';
  readonly note: string;
  setNote(note: string): void;
}

export function ForApproval({ approvals, of, note, setNote }: ForApprovalProps) {
  return (
    <div class="for-approval">
      <p class="warning">
        <wa-icon name="people" />
        {t(`${of}.needsApproval`, { n: approvals })}
      </p>
      <label>
        {t('job.toApprovers')}
        <input value={note} maxLength={500} onInput={({ currentTarget }) => setNote(currentTarget.value)} />
      </label>
    </div>
  );
}

/** As an order takes it. */
export const noted = (note: string): { readonly note?: string } => (note.trim() === '' ? {} : { note: note.trim() });
