// Which build of better-sqlite3 opens a database. Version 12 is the last for Node 20; its finalizers abort the process on
// Node 24.19 and newer, where an idle collection runs them without a context. Version 13 (Node-API) needs Node 22.

import { createRequire } from 'node:module';
import type Database from 'better-sqlite3';

const NODE_API_SINCE = 22;

const nodeMajor = Number(process.versions.node.split('.')[0]);
const packageName = nodeMajor >= NODE_API_SINCE ? 'better-sqlite3-node-api' : 'better-sqlite3';

/** The constructor of the build that fits the running Node. */
export const Sqlite = createRequire(import.meta.url)(packageName) as typeof Database;
