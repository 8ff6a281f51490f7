// Small durable documents by kind and id: what the gateway must still know after a restart besides policy and record.

export interface ShelfDocument {
  readonly id: string;
  /** ms since 1970. */
  readonly at: number;
  readonly body: string;
}

export interface Shelf {
  /** Durable when it resolves; replaces a document of the same id. */
  put(kind: string, document: ShelfDocument): Promise<void>;
  remove(kind: string, id: string): Promise<void>;
  get(kind: string, id: string): ShelfDocument | undefined;
  /** Oldest first. */
  list(kind: string): ShelfDocument[];
  close(): Promise<void>;
}
