import { ArchiveRefusedError } from '../errors.ts';

const BLOCK = 512;
/** What eleven octal digits can say, 8 GiB; longer files are not written. */
export const MAX_ENTRY_BYTES = 0o77777777777;

/** The header of a plain file in a tar archive, by POSIX.1-1988 (ustar). */
export function tarHeader(name: string, sizeBytes: number): Buffer {
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, length: number) => `${value.toString(8).padStart(length - 1, '0')}\0`;
  header.write(name, 0, 100, 'latin1');
  header.write(octal(0o600, 8), 100, 'latin1');
  header.write(octal(0, 8), 108, 'latin1');
  header.write(octal(0, 8), 116, 'latin1');
  header.write(octal(sizeBytes, 12), 124, 'latin1');
  header.write(octal(0, 12), 136, 'latin1');
  header.write('        0', 148, 'latin1');
  header.write('ustar\0' + '00', 257, 'latin1');
  header.write(`${checksum(header).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

/** Zeros up to the next block. */
export const tarPadding = (sizeBytes: number): Buffer => Buffer.alloc((BLOCK - (sizeBytes % BLOCK)) % BLOCK);

/** What closes an archive. */
export const TAR_END: Buffer = Buffer.alloc(2 * BLOCK);

/** A file of an archive. Its content is read before the next one is asked for. */
export interface TarEntry {
  readonly name: string;
  readonly sizeBytes: number;
  readonly content: AsyncIterable<Buffer>;
}

/**
 * The files of a tar archive, one after the other, in memory that no header decides on. Only plain files with short names, as `tarHeader` writes them:
 * links, folders, long names and every extension are refused.
 * @throws {ArchiveRefusedError}
 */
export async function* readTar(bytes: AsyncIterable<Buffer>): AsyncGenerator<TarEntry> {
  await using source = new ByteSource(bytes);
  for (let isOpen = true; isOpen; ) {
    const header = await source.take(BLOCK);
    isOpen = header.some((byte) => byte !== 0);
    if (!isOpen) break;
    const { name, sizeBytes } = parseHeader(header);
    let left = sizeBytes;
    const content = async function* () {
      while (left > 0) {
        const chunk = await source.some(left);
        left -= chunk.length;
        yield chunk;
      }
    };
    yield { name, sizeBytes, content: content() };
    while (left > 0) left -= (await source.some(left)).length;
    await source.take((BLOCK - (sizeBytes % BLOCK)) % BLOCK);
  }
  await source.expectZerosToEnd();
}

function parseHeader(header: Buffer): { name: string; sizeBytes: number } {
  const name = header.toString('latin1', 0, 100).replace(/\0.*$/s, '');
  const at = name.slice(0, 100) || '(no name)';
  const octal = (from: number, length: number): number => {
    const digits = header.toString('latin1', from, from + length);
    if (!/^[0-7]+[\0 ]+$/.test(digits))
      throw new ArchiveRefusedError({ at, reason: 'its header is not that of a plain tar file' });
    return Number.parseInt(digits, 8);
  };
  if (octal(148, 8) !== checksum(header))
    throw new ArchiveRefusedError({ at, reason: 'the checksum of its header is wrong' });
  const isPlain = header.toString('latin1', 156, 157) === '0' && header.subarray(157, 257).every((byte) => byte === 0);
  if (!isPlain || header.subarray(345, 500).some((byte) => byte !== 0))
    throw new ArchiveRefusedError({ at, reason: 'only plain files are in an archive, no links and no folders' });
  return { name, sizeBytes: octal(124, 12) };
}

/** The sum of the header's bytes, those of the checksum itself taken for blanks. */
function checksum(header: Buffer): number {
  let sum = 8 * 32;
  for (let index = 0; index < BLOCK; index++) if (index < 148 || index >= 156) sum += header[index] ?? 0;
  return sum;
}

class ByteSource implements AsyncDisposable {
  readonly #bytes: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(bytes: AsyncIterable<Buffer>) {
    this.#bytes = bytes[Symbol.asyncIterator]();
  }

  /** Whoever stops in between has no more use for the rest. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bytes.return?.();
  }

  /** One byte at least and `max` at most. */
  async some(max: number): Promise<Buffer> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#bytes.next();
      if (done) throw new ArchiveRefusedError({ at: 'its end', reason: 'it is cut off' });
      this.#rest = value;
    }
    const taken = this.#rest.subarray(0, max);
    this.#rest = this.#rest.subarray(taken.length);
    return taken;
  }

  /** Exactly `size` bytes, a few. */
  async take(size: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let left = size; left > 0; ) {
      const part = await this.some(left);
      parts.push(part);
      left -= part.length;
    }
    return Buffer.concat(parts);
  }

  async expectZerosToEnd(): Promise<void> {
    for (
      let next: IteratorResult<Buffer> = { done: false, value: this.#rest };
      !next.done;
      next = await this.#bytes.next()
    )
      if (next.value.some((byte) => byte !== 0))
        throw new ArchiveRefusedError({ at: 'its end', reason: 'something follows behind the last file' });
  }
}
