// The journal's tables. A migration, once released, is never edited: a change is a new one at the end.

import type { Schema } from './database.ts';

const version1 = `
  -- The last row removed by retention: the chain goes on from its hash. Number 0 and zeros: nothing was removed.
  CREATE TABLE anchor (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    number INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32)
  ) STRICT;
  INSERT INTO anchor VALUES (1, 0, zeroblob(32));

  -- body and hash are the record; the other columns are copied from body to be searched.
  -- note_cost: bytes charged to the quota of notes; NULL for rows outside it.
  CREATE TABLE row (
    number INTEGER PRIMARY KEY CHECK (number > 0),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    body TEXT NOT NULL,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    decision TEXT,
    principal TEXT,
    note_cost INTEGER
  ) STRICT;
  CREATE INDEX row_kind ON row (kind);
  CREATE INDEX row_at ON row (at);
  CREATE INDEX row_decision ON row (decision) WHERE decision IS NOT NULL;
  CREATE INDEX row_principal ON row (principal) WHERE principal IS NOT NULL;
  CREATE INDEX row_note ON row (note_cost) WHERE note_cost IS NOT NULL;
  CREATE TRIGGER row_never_changes BEFORE UPDATE ON row
  BEGIN
    SELECT RAISE(ABORT, 'a journal row is never changed');
  END;

  CREATE TABLE row_target (
    target TEXT NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (target, number)
  ) STRICT, WITHOUT ROWID;

  -- Intents whose outcome is not yet recorded: what a start after a crash must close.
  CREATE TABLE open_intent (
    number INTEGER PRIMARY KEY,
    decision TEXT NOT NULL
  ) STRICT;
  CREATE INDEX open_intent_decision ON open_intent (decision);
`;

export const journalSchema: Schema = { name: 'journal', applicationId: 0x47_48_6a_6f, migrations: [version1] };
