// The policy store's tables. A migration, once released, is never edited: a change is a new one at the end.

import type { Schema } from './database.ts';

const version1 = `
  CREATE TABLE part (
    sha256 TEXT PRIMARY KEY CHECK (length(sha256) = 64),
    bytes BLOB NOT NULL
  ) STRICT;

  -- The policy of the next boot, which is the floor as well: no row before the first one.
  CREATE TABLE policy (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    epoch INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    manifest_sha256 TEXT NOT NULL,
    manifest TEXT NOT NULL
  ) STRICT;
  CREATE TRIGGER floor_never_falls BEFORE UPDATE ON policy
  WHEN (new.epoch, new.revision) <= (old.epoch, old.revision)
  BEGIN
    SELECT RAISE(ABORT, 'the floor never falls');
  END;
  CREATE TRIGGER floor_never_goes BEFORE DELETE ON policy
  BEGIN
    SELECT RAISE(ABORT, 'the floor never falls');
  END;

  CREATE TABLE policy_part (
    sha256 TEXT PRIMARY KEY REFERENCES part (sha256)
  ) STRICT;

  CREATE TABLE setting (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT;

  CREATE TABLE root (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    bytes TEXT NOT NULL
  ) STRICT;
`;

const version2 = `
  -- Commands of the cloud: begun, and what they ended with.
  CREATE TABLE command (
    id TEXT PRIMARY KEY,
    sha256 TEXT NOT NULL,
    until INTEGER NOT NULL,
    result TEXT
  ) STRICT, WITHOUT ROWID;
`;

export const policySchema: Schema = { name: 'policy', applicationId: 0x47_48_70_6f, migrations: [version1, version2] };
