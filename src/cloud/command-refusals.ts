// Every way a command can be refused, listed once, in the order in which it is looked at. Codes are words and never reused.

export const COMMAND_REFUSALS = {
  'too-large': 'the command is larger than 96 KiB',
  'bad-signature':
    'not a compact JWS signed by a key that the trusted root, and the policy if it says so, names for commands',
  'unknown-format': 'signed, but of another format version',
  'unknown-operation': 'signed, but it asks for an operation that is not known here',
  malformed: 'signed, but not of the schema',
  'wrong-topic': 'its `jti` is not the id of its topic',
  'wrong-audience': 'signed for another gateway',
  replayed: 'another command had this `jti`',
  'clock-unsure': 'the gateway does not know the time, so it cannot tell whether the command is late',
  'issued-in-future': 'issued more than a minute ahead of the gateway’s clock',
  'lifetime-too-long': 'good for longer than an hour',
  expired: 'it came after its time',
  'no-policy': 'no policy is in force',
  'policy-too-old': 'the policy in force is older than the command asks for',
  'job-unsupported': 'this gateway runs no jobs for the cloud, or not yet',
  'too-many':
    'too many commands are remembered or under way, or too many jobs have not ended, in all or of the principal',
  'not-durable': 'the gateway could not remember the command, so it may not execute it',
  'unknown-target': 'a target is not a point with an address that a driver serves',
  'not-writable': 'the driver cannot write such a value there',
  'job-unknown': 'there is no such job',
  'job-impossible': 'the order cannot be carried out on every device, or the job is not in a state for it',
  denied: 'the policy or the gate refused it: `denial` says why',
  interrupted: 'the gateway stopped while it was under way: the journal knows how far it came',
} as const satisfies Record<string, string>;

export type CommandRefusalCode = keyof typeof COMMAND_REFUSALS;
