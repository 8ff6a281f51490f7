// Names of what lies in the data folder.

export const POLICY_FILE = 'policy.db';
export const JOURNAL_FILE = 'journal.db';
/** What must be carried through a restart besides: overrides, jobs, replies to repeat. */
export const SHELF_FILE = 'overrides.db';
export const ENROLMENT_FILE = 'enrolment.json';
