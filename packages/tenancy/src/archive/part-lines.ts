import { ArchiveRefusedError } from '../errors.ts';

/** A part is closed by the row that makes it as long as this: only its last row can be longer. */
export const PART_CHARACTERS = 4_000_000;
/** The longest part or manifest: one row can be that long. */
export const MAX_PART_BYTES = 300_000_000;

const NEWLINE = 10;

/**
 * Cuts the bytes of a part into its lines as they come, and holds no more of it than a part can be: a line is two characters at least, and none follows
 * once `PART_CHARACTERS` are there.
 */
export class PartLines {
  readonly #name: string;
  readonly #lines: string[] = [];
  #open: Buffer[] = [];
  #characters = 0;
  #bytes = 0;

  constructor(name: string) {
    this.#name = name;
  }

  /** @throws {ArchiveRefusedError} */
  add(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > MAX_PART_BYTES) throw this.#refused(`it is longer than ${MAX_PART_BYTES} bytes`);
    for (let from = 0; from < chunk.length; ) {
      if (this.#characters >= PART_CHARACTERS) throw this.#refused('it goes on where a part ends');
      const end = chunk.indexOf(NEWLINE, from);
      this.#open.push(chunk.subarray(from, end < 0 ? chunk.length : end));
      if (end < 0) return;
      this.#close();
      from = end + 1;
    }
  }

  /** All lines. @throws {ArchiveRefusedError} when the last one has no end, or there is none. */
  end(): readonly string[] {
    if (this.#open.length > 0 || this.#lines.length === 0) throw this.#refused('it does not end with a line');
    return this.#lines;
  }

  #close(): void {
    const line = decodeText(this.#name, Buffer.concat(this.#open));
    this.#open = [];
    if (line.length < 2) throw this.#refused(`its line ${this.#lines.length + 1} is no row`);
    this.#characters += line.length;
    this.#lines.push(line);
  }

  #refused(reason: string): ArchiveRefusedError {
    return new ArchiveRefusedError({ at: this.#name, reason });
  }
}

/** @throws {ArchiveRefusedError} when the bytes are not UTF-8. */
export function decodeText(name: string, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new ArchiveRefusedError({ at: name, reason: 'it is not UTF-8', cause });
  }
}
