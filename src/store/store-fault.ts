// What can be wrong with a database, said by a registered code. Thrown inside this room and at its edge only.

export const storeFaultCodes = {
  'store-not-ours': 'the file is no database of this program, or one of another purpose',
  'store-too-new': 'the database was written by a newer version of this program',
  'store-corrupt': 'the database contradicts itself',
  'store-unavailable': 'the database cannot be opened, read or written now',
  'policy-below-floor': 'the policy is not above the floor',
  'policy-equivocation': 'a second manifest under a revision that is already taken',
  'policy-part-missing': 'the policy names a part whose bytes are not here',
  'command-known': 'a command under an id that was begun before',
  'policy-part-mismatch': 'the bytes of a part do not have the hash they were announced with',
} as const;

export type StoreFaultCode = keyof typeof storeFaultCodes;

export class StoreFault extends Error {
  readonly code: StoreFaultCode;

  constructor(code: StoreFaultCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The fault behind anything that was thrown while `file` was in use; a `StoreFault` stays what it is. */
export function asStoreFault(thrown: unknown, file: string): StoreFault {
  if (thrown instanceof StoreFault) return thrown;
  const cause = thrown instanceof Error ? thrown : new Error(String(thrown));
  const code = errorCode(cause);
  if (code === 'SQLITE_NOTADB') {
    return new StoreFault('store-not-ours', `\`${file}\` is not a database`, { cause });
  }
  if (code.startsWith('SQLITE_CORRUPT')) {
    return new StoreFault('store-corrupt', `\`${file}\` is corrupt: ${cause.message}`, { cause });
  }
  const shown = code === '' || cause.message.includes(code) ? cause.message : `${cause.message} (${code})`;
  return new StoreFault('store-unavailable', `\`${file}\` cannot be used: ${shown}`, { cause });
}

/** `SQLITE_FULL`, `ENOSPC` and the like; empty where the error has none. */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}
