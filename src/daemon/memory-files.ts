// Names of what lies in the data folder.

export const POLICY_FILE = 'policy.db';
export const JOURNAL_FILE = 'journal.db';
export const ENROLMENT_FILE = 'enrolment.json';
