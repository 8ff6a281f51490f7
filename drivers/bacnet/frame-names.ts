// The standard's words for numbers that a decoded frame shows (clause 21), by the name of the parameter they stand in.

const eventState = ['normal', 'fault', 'offnormal', 'high-limit', 'low-limit', 'life-safety-alarm'];

const WORDS: { readonly [parameter: string]: readonly string[] } = {
  enableDisable: ['enable', 'disable', 'disable-initiation'],
  eventState,
  eventStateAcknowledged: eventState,
  fromState: eventState,
  toState: eventState,
  // 7 and 12 are no longer given out.
  eventType: [
    'change-of-bitstring',
    'change-of-state',
    'change-of-value',
    'command-failure',
    'floating-limit',
    'out-of-range',
    'complex-event-type',
    '',
    'change-of-life-safety',
    'extended',
    'buffer-ready',
    'unsigned-range',
    '',
    'access-event',
    'double-out-of-range',
    'signed-out-of-range',
    'unsigned-out-of-range',
    'change-of-characterstring',
    'change-of-status-flags',
    'change-of-reliability',
    'none',
    'change-of-discrete-value',
    'change-of-timer',
  ],
  notifyType: ['alarm', 'event', 'ack-notification'],
  reinitializedStateOfDevice: [
    'coldstart',
    'warmstart',
    'start-backup',
    'end-backup',
    'start-restore',
    'end-restore',
    'abort-restore',
    'activate-changes',
  ],
  // Of LifeSafetyOperation.
  request: [
    'none',
    'silence',
    'silence-audible',
    'silence-visual',
    'reset',
    'reset-alarm',
    'reset-fault',
    'unsilence',
    'unsilence-audible',
    'unsilence-visual',
  ],
  // Of Reject-Message-To-Network (6.4.4).
  reason: [
    'other',
    'not-directly-connected',
    'router-busy',
    'unknown-network-message',
    'message-too-long',
    'security-error',
    'addressing-error',
  ],
  segmentationSupported: ['segmented-both', 'segmented-transmit', 'segmented-receive', 'no-segmentation'],
};

/** `undefined` for a parameter that is no enumeration, and for a number the standard does not name. */
export function wordFor(parameter: string, value: number): string | undefined {
  return WORDS[parameter]?.[value] || undefined;
}
