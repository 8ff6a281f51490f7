// Where policy lives between boots: the exact signed bytes, nothing derived. Invariant: `commit` is one transaction;
// a crash leaves either the old policy or the new one, never a mixture, and the floor never falls.

/** Order of policies: epoch first, then revision (SYNC.md). */
export interface PolicyFloor {
  readonly epoch: number;
  readonly revision: number;
  /** SHA-256 (hex) of the exact manifest bytes: the same revision with another hash is equivocation. */
  readonly manifestSha256: string;
}

export interface StoredPolicy extends PolicyFloor {
  /** The manifest as it arrived: a compact JWS. */
  readonly manifest: string;
  /** Uncompressed parts by their SHA-256 (hex). */
  readonly parts: ReadonlyMap<string, Uint8Array>;
}

export interface PolicyStore {
  floor(): PolicyFloor | undefined;
  /** Of these hashes the ones whose bytes are not here yet. */
  missing(hashes: readonly string[]): string[];
  part(hash: string): Uint8Array | undefined;
  /** Durable when a commit that names it resolves; at once where one did already. `commit` removes what it does not name. */
  putPart(hash: string, bytes: Uint8Array): Promise<void>;
  /** Makes this the policy of the next boot and raises the floor. Refuses (throws) what is not above the floor. */
  commit(policy: PolicyFloor & { readonly manifest: string; readonly partHashes: readonly string[] }): Promise<void>;
  current(): StoredPolicy | undefined;
  /** Trusted root file, exact bytes; `undefined` before enrolment. */
  root(): string | undefined;
  putRoot(bytes: string): Promise<void>;
  /** Small durable values: the clock's floor, cursors, replay lists. */
  setting(key: string): string | undefined;
  putSetting(key: string, value: string): Promise<void>;
  close(): Promise<void>;
}
