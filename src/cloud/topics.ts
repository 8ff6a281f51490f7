// Every topic between gateway and cloud, once (SYNC.md): the connection subscribes and publishes by this table only.

/** `down`: from the cloud. A `+` stands for one level that varies. */
interface TopicRow {
  readonly name: string;
  readonly way: 'up' | 'down';
  readonly retained: boolean;
}

export const TOPICS = {
  state: { name: 'state', way: 'up', retained: true },
  key: { name: 'key', way: 'up', retained: true },
  root: { name: 'root', way: 'down', retained: true },
  rootReported: { name: 'root/reported', way: 'up', retained: true },
  policyDesired: { name: 'policy/desired', way: 'down', retained: true },
  policyPart: { name: 'policy/parts/+/+', way: 'down', retained: true },
  policyLocks: { name: 'policy/locks', way: 'down', retained: true },
  locksReported: { name: 'policy/locks/reported', way: 'up', retained: true },
  policyReported: { name: 'policy/reported', way: 'up', retained: true },
  command: { name: 'command/+', way: 'down', retained: false },
  result: { name: 'result/+', way: 'up', retained: false },
  auditBatch: { name: 'audit/batch', way: 'up', retained: false },
  auditAck: { name: 'audit/ack', way: 'down', retained: false },
  jobs: { name: 'jobs/+', way: 'up', retained: false },
} as const satisfies Record<string, TopicRow>;

export type TopicKey = keyof typeof TOPICS;
export type KeysOf<Way extends 'up' | 'down'> = {
  [Key in TopicKey]: (typeof TOPICS)[Key]['way'] extends Way ? Key : never;
}[TopicKey];

const rootOf = (gateway: string) => `gatehouse/v1/${gateway}/`;

/** The topic of a gateway; `parts` fill the `+` levels in order, those left stay wildcards. */
export function topicOf(gateway: string, key: TopicKey, ...parts: readonly string[]): string {
  let next = 0;
  return rootOf(gateway) + TOPICS[key].name.replace(/\+/g, (plus) => parts[next++] ?? plus);
}

/** What came down on which topic, with the levels that vary; `undefined` for anything that is not in the table. */
export function matchTopic(
  gateway: string,
  topic: string,
): { readonly key: KeysOf<'down'>; readonly levels: readonly string[] } | undefined {
  const root = rootOf(gateway);
  if (!topic.startsWith(root)) return undefined;
  const levels = topic.slice(root.length).split('/');
  for (const [key, row] of Object.entries(TOPICS)) {
    if (row.way !== 'down') continue;
    const pattern = row.name.split('/');
    if (pattern.length !== levels.length) continue;
    if (!pattern.every((level, index) => level === '+' || level === levels[index])) continue;
    return { key: key as KeysOf<'down'>, levels: levels.filter((_level, index) => pattern[index] === '+') };
  }
  return undefined;
}
