// The table of what the gateway must carry through after a restart. A migration, once released, is never edited.

import type { Schema } from './database.ts';

const version1 = `
  CREATE TABLE document (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (kind, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX document_at ON document (kind, at);
`;

export const overrideSchema: Schema = { name: 'overrides', applicationId: 0x47_48_6f_76, migrations: [version1] };
