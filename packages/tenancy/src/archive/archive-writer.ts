import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { ArtifactCorruptError } from '@mad/core';
import type { RowText } from '../results-database/read-rows.ts';
import { type ArchiveManifest, partName } from './archive-manifest.ts';
import { toArchivePathError } from './archive-path.ts';
import { PART_CHARACTERS } from './part-lines.ts';
import { MAX_ENTRY_BYTES, TAR_END, tarHeader, tarPadding } from './tar.ts';

/** What went into an archive so far. */
export interface ArchiveProgress {
  readonly rows: number;
  readonly files: number;
  /** Before it is packed. */
  readonly bytes: number;
}

/**
 * Writes an archive from its beginning to its end: a tar of JSON lines and files, packed by gzip, the manifest last. A file has its name only when it is
 * whole; a stream that broke has no manifest.
 */
export class ArchiveWriter {
  readonly #gzip = createGzip({ level: 6 });
  readonly #written: Promise<void>;
  readonly #to: string | Writable;
  readonly #draft: string;
  readonly #onProgress: (progress: ArchiveProgress) => void;
  readonly #parts: ArchiveManifest['parts'] = [];
  readonly #hash = createHash('sha256');
  readonly #files = { count: 0, bytes: 0 };
  #rows = 0;
  #bytes = 0;
  #lines: string[] = [];
  #characters = 0;
  #part: { database: 'metadata' | 'results'; table: string; number: number } | undefined;

  constructor(to: string | Writable, onProgress: (progress: ArchiveProgress) => void = () => {}) {
    this.#to = to;
    this.#onProgress = onProgress;
    this.#draft = typeof to === 'string' ? `${to}.${crypto.randomUUID()}.part` : '';
    const sink =
      typeof to === 'string' ? createWriteStream(this.#draft, { flags: 'wx', mode: 0o600, flush: true }) : to;
    const hash = this.#hash;
    this.#written = pipeline(
      this.#gzip,
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          hash.update(chunk);
          yield chunk;
        }
      },
      sink,
    ).catch((cause) => {
      throw this.#told(cause);
    });
    // Told by whatever waits for room next.
    this.#written.catch(() => {});
  }

  /** Rows of one database; those of a table come together. */
  async addRows(database: 'metadata' | 'results', rows: readonly RowText[]): Promise<void> {
    for (const { part: table, line } of rows) {
      if (this.#part?.database !== database || this.#part.table !== table) {
        await this.#flush();
        this.#part = { database, table, number: 0 };
      }
      this.#lines.push(line);
      this.#characters += line.length;
      if (this.#characters >= PART_CHARACTERS) await this.#flush();
    }
  }

  /** A stored file. @throws {ArtifactCorruptError} when its bytes are not those of its digest. */
  async addFile(
    { digest, sizeBytes }: { readonly digest: string; readonly sizeBytes: number },
    content: AsyncIterable<Buffer>,
  ): Promise<void> {
    await this.#flush();
    if (sizeBytes > MAX_ENTRY_BYTES) throw new ArtifactCorruptError({ digest, found: `${sizeBytes} bytes` });
    await this.#write(tarHeader(`files/${digest}`, sizeBytes));
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of content) {
      hash.update(chunk);
      bytes += chunk.length;
      await this.#write(chunk);
    }
    const found = hash.digest('hex');
    if (found !== digest || bytes !== sizeBytes) throw new ArtifactCorruptError({ digest, found });
    await this.#write(tarPadding(sizeBytes));
    this.#files.count++;
    this.#files.bytes += bytes;
    this.#tell();
  }

  /** Ends the archive; a file has its name from now on. Returns the manifest and the SHA-256 of the whole. */
  async finish(
    manifest: Omit<ArchiveManifest, 'parts' | 'files'>,
  ): Promise<{ readonly manifest: ArchiveManifest; readonly sha256: string }> {
    await this.#flush();
    const whole: ArchiveManifest = { ...manifest, parts: this.#parts, files: this.#files };
    await this.#entry('manifest.json', Buffer.from(`${JSON.stringify(whole, null, 1)}\n`));
    await this.#write(TAR_END);
    this.#gzip.end();
    await this.#written;
    if (typeof this.#to === 'string')
      await rename(this.#draft, this.#to).catch((cause) => {
        throw this.#told(cause);
      });
    return { manifest: whole, sha256: this.#hash.digest('hex') };
  }

  /** Leaves nothing of an archive that was not finished. */
  async abandon(cause: unknown): Promise<void> {
    this.#gzip.destroy(cause instanceof Error ? cause : undefined);
    await this.#written.catch(() => {});
    // What stopped it is told, not what stands in the way of this.
    if (typeof this.#to === 'string') await rm(this.#draft, { force: true }).catch(() => {});
  }

  async #flush(): Promise<void> {
    if (this.#part === undefined || this.#lines.length === 0) return;
    this.#part.number++;
    const name = partName(this.#part);
    const content = Buffer.from(`${this.#lines.join('\n')}\n`);
    const rows = this.#lines.length;
    this.#lines = [];
    this.#characters = 0;
    await this.#entry(name, content);
    this.#parts.push({ name, rows, sha256: createHash('sha256').update(content).digest('hex') });
    this.#rows += rows;
    this.#tell();
  }

  async #entry(name: string, content: Buffer): Promise<void> {
    await this.#write(tarHeader(name, content.length));
    await this.#write(content);
    await this.#write(tarPadding(content.length));
  }

  async #write(bytes: Buffer): Promise<void> {
    this.#bytes += bytes.length;
    if (bytes.length === 0 || this.#gzip.write(bytes)) return;
    await Promise.race([once(this.#gzip, 'drain'), this.#written]);
  }

  /** What went wrong with the file is told by the name that the caller gave it. */
  #told(cause: unknown): unknown {
    return (typeof this.#to === 'string' && toArchivePathError(cause, { path: this.#to, verb: 'written' })) || cause;
  }

  #tell(): void {
    this.#onProgress({ rows: this.#rows, files: this.#files.count, bytes: this.#bytes });
  }
}
