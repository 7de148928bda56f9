import { createHash } from 'node:crypto';
import { createGunzip } from 'node:zlib';
import { ArchiveRefusedError } from '../errors.ts';
import { type ArchiveManifest, type ArchivePart, manifestSchema, parsePartName } from './archive-manifest.ts';
import { openArchive, toArchivePathError } from './archive-path.ts';
import { checkLine } from './check-line.ts';
import { parseJson } from './parse-json.ts';
import { decodeText, MAX_PART_BYTES, PartLines } from './part-lines.ts';
import { readTar, type TarEntry } from './tar.ts';

/** Rows and files pack to a tenth; what unpacks to so much more was made to fill a disk. */
const MAX_RATIO = 250;
const RATIO_FROM_BYTES = 256_000_000;

/** A piece of an archive, in its order: parts, then files, then the manifest. */
export type ArchivePiece =
  | {
      readonly kind: 'rows';
      readonly name: string;
      readonly part: ArchivePart;
      readonly lines: readonly string[];
      readonly sha256: string;
    }
  | {
      readonly kind: 'file';
      readonly digest: string;
      readonly sizeBytes: number;
      readonly content: AsyncIterable<Buffer>;
    }
  | { readonly kind: 'manifest'; readonly manifest: ArchiveManifest; readonly sha256: string };

export interface ReadArchive {
  readonly path: string;
  readonly maxBytes: number;
}

/**
 * Reads an archive piece by piece and trusts nothing in it: names, sizes and the order of its files are as this library writes them, and lines are JSON. What a
 * file holds is checked when its content is read to the end.
 * @throws {ArchiveRefusedError} @throws {ArchivePathError}
 */
export async function* readArchive(request: ReadArchive): AsyncGenerator<ArchivePiece> {
  let rank = 0;
  let last: ArchivePart | undefined;
  const closed = new Set<string>();
  for await (const entry of readTar(unpack(request))) {
    const { name } = entry;
    const part = parsePartName(name);
    const now = part ? (part.database === 'metadata' ? 1 : 2) : /^files\/[0-9a-f]{64}$/.test(name) ? 3 : 4;
    if (now === 4 && name !== 'manifest.json')
      throw new ArchiveRefusedError({ at: name, reason: 'no file of this name is in an archive' });
    if (now < rank || rank === 4) throw new ArchiveRefusedError({ at: name, reason: 'it is not in its place' });
    rank = now;
    if (part) {
      checkOrder(name, { part, last, closed });
      last = part;
      yield await readPart(entry, part);
    } else if (now === 3) yield toFile(entry);
    else yield await readManifest(entry);
  }
  if (rank !== 4) throw new ArchiveRefusedError({ at: 'its end', reason: 'it has no manifest, so it is not whole' });
}

interface Order {
  readonly part: ArchivePart;
  readonly last: ArchivePart | undefined;
  readonly closed: Set<string>;
}

/** The parts of a table follow each other, numbered from 1. */
function checkOrder(name: string, { part, last, closed }: Order): void {
  const goesOn = last?.database === part.database && last.table === part.table;
  const key = `${part.database}/${part.table}`;
  if (part.number !== (goesOn ? last.number + 1 : 1) || (!goesOn && closed.has(key)))
    throw new ArchiveRefusedError({ at: name, reason: 'it is not in its place' });
  closed.add(key);
}

/** The archive's bytes as gzip gives them, as long as they are in proportion. */
async function* unpack({ path, maxBytes }: ReadArchive): AsyncGenerator<Buffer> {
  const packed = await openArchive(path);
  const gunzip = createGunzip();
  packed.on('error', (error) => gunzip.destroy(error));
  let bytes = 0;
  try {
    for await (const chunk of packed.pipe(gunzip) as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxBytes)
        throw new ArchiveRefusedError({
          at: 'its length',
          reason: `it unpacks to more than maxBytes, ${maxBytes} bytes`,
        });
      if (bytes > RATIO_FROM_BYTES && bytes > MAX_RATIO * packed.bytesRead)
        throw new ArchiveRefusedError({
          at: 'its length',
          reason: `it unpacks to more than ${MAX_RATIO} times its length`,
        });
      yield chunk;
    }
  } catch (cause) {
    if (cause instanceof ArchiveRefusedError || !isOfGzip(cause))
      throw toArchivePathError(cause, { path, verb: 'read' }) ?? cause;
    throw new ArchiveRefusedError({ at: 'its packing', reason: 'it is no whole gzip file', cause });
  } finally {
    packed.destroy();
    gunzip.destroy();
  }
}

function isOfGzip(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('Z_');
}

async function readWhole({ name, sizeBytes, content }: TarEntry): Promise<Buffer> {
  if (sizeBytes > MAX_PART_BYTES)
    throw new ArchiveRefusedError({ at: name, reason: `it says to be longer than ${MAX_PART_BYTES} bytes` });
  const chunks: Buffer[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function readPart({ name, content }: TarEntry, part: ArchivePart): Promise<ArchivePiece> {
  const lines = new PartLines(name);
  const hash = createHash('sha256');
  for await (const chunk of content) {
    hash.update(chunk);
    lines.add(chunk);
  }
  return { kind: 'rows', name, part, lines: lines.end(), sha256: hash.digest('hex') };
}

async function readManifest(entry: TarEntry): Promise<ArchivePiece> {
  const bytes = await readWhole(entry);
  const { success, data, error } = manifestSchema.safeParse(parseJson(entry.name, decodeText(entry.name, bytes)));
  if (!success) {
    const [issue] = error.issues;
    throw new ArchiveRefusedError({
      at: `${entry.name} /${issue?.path.join('/') ?? ''}`,
      reason: issue?.message ?? 'not a manifest',
    });
  }
  return { kind: 'manifest', manifest: data, sha256: createHash('sha256').update(bytes).digest('hex') };
}

function toFile({ name, sizeBytes, content }: TarEntry): ArchivePiece {
  const digest = name.slice('files/'.length);
  const checked = async function* () {
    const hash = createHash('sha256');
    for await (const chunk of content) {
      hash.update(chunk);
      yield chunk;
    }
    if (hash.digest('hex') !== digest)
      throw new ArchiveRefusedError({ at: name, reason: 'its content is not that of its digest' });
  };
  return { kind: 'file', digest, sizeBytes, content: checked() };
}

/** What is known of an archive that was verified. */
export interface VerifiedArchive {
  readonly manifest: ArchiveManifest;
  /** Of the digests of its files, in their order. */
  readonly filesSha256: string;
}

/**
 * Reads the archive from its beginning to its end, checks every line and compares everything with its manifest, before a row of it is written anywhere.
 * @throws {ArchiveRefusedError} @throws {ArchivePathError}
 */
export async function verifyArchive(request: ReadArchive): Promise<VerifiedArchive> {
  const seen: ArchiveManifest['parts'] = [];
  const files = { count: 0, bytes: 0 };
  const digests = createHash('sha256');
  const owners = new Map<string, string>();
  let manifest: ArchiveManifest | undefined;
  for await (const piece of readArchive(request)) {
    if (piece.kind === 'rows') {
      seen.push({ name: piece.name, rows: piece.lines.length, sha256: piece.sha256 });
      checkLines(piece, owners);
    } else if (piece.kind === 'manifest') manifest = piece.manifest;
    else {
      for await (const chunk of piece.content) files.bytes += chunk.length;
      files.count++;
      digests.update(piece.digest);
    }
  }
  if (manifest === undefined)
    throw new ArchiveRefusedError({ at: 'its end', reason: 'it has no manifest, so it is not whole' });
  compare(manifest, seen, files);
  for (const [orgId, at] of owners)
    if (orgId !== manifest.org_id)
      throw new ArchiveRefusedError({ at, reason: 'it names a file of another organization' });
  return { manifest, filesSha256: digests.digest('hex') };
}

/** Checks every line, and notes where the first two owners of files are named: of two, one is not the organization. @throws {ArchiveRefusedError} */
function checkLines({ name, part, lines }: Extract<ArchivePiece, { kind: 'rows' }>, owners: Map<string, string>): void {
  for (const [index, line] of lines.entries()) {
    const at = `${name} line ${index + 1}`;
    const owner = checkLine(part, { at, line });
    if (owner !== undefined && owners.size < 2 && !owners.has(owner)) owners.set(owner, at);
  }
}

function compare(manifest: ArchiveManifest, seen: ArchiveManifest['parts'], files: ArchiveManifest['files']): void {
  const at = 'manifest.json';
  if (manifest.parts.length !== seen.length)
    throw new ArchiveRefusedError({
      at,
      reason: `it tells of ${manifest.parts.length} parts, and ${seen.length} are there`,
    });
  for (const [index, part] of seen.entries()) {
    const told = manifest.parts[index];
    if (told?.name !== part.name || told.rows !== part.rows || told.sha256 !== part.sha256)
      throw new ArchiveRefusedError({
        at: part.name,
        reason: 'its rows or their SHA-256 are not what the manifest tells',
      });
  }
  if (manifest.files.count !== files.count || manifest.files.bytes !== files.bytes)
    throw new ArchiveRefusedError({ at, reason: 'its files are not as many, or not as long, as it tells' });
}
