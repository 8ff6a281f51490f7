// Files that may be exchanged while the gateway runs: certificates, keys, revocation lists. What counts is what a file held before
// it was read for use: a change between that and the first look is found, too, which `fs.watchFile` would miss for good.

const LOOK_EVERY_MS = 500;

export class FileWatch {
  readonly #files: readonly string[];
  readonly #read: (file: string) => string;
  #held: string;
  #timer: NodeJS.Timeout | undefined;

  /** To be made before the files are read for use. `read` gives what a file holds, or throws why it cannot be read. */
  constructor(files: readonly string[], read: (file: string) => string) {
    this.#files = files;
    this.#read = read;
    this.#held = this.#look();
  }

  /** Calls `changed` within half a second after each change; holds no process open. */
  begin(changed: () => void): void {
    this.#timer = setInterval(() => {
      const holds = this.#look();
      if (holds === this.#held) return;
      this.#held = holds;
      changed();
    }, LOOK_EVERY_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): string {
    const each = this.#files.map((file) => {
      try {
        return this.#read(file);
      } catch (error) {
        return String(error);
      }
    });
    return JSON.stringify(each);
  }
}
