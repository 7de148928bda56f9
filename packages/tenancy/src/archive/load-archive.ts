import { createHash } from 'node:crypto';
import { type ArtifactStore, findSqlState, isJsonObject, type OrgId } from '@mad/core';
import { type QueryExecutorProvider, sql } from 'kysely';
import { ArchiveRefusedError } from '../errors.ts';
import { type DescribedTable, describeTables, readSequences } from '../results-database/describe-tables.ts';
import { insertLines, setSequences, withBareTables } from '../results-database/load-tables.ts';
import type { ArchiveManifest } from './archive-manifest.ts';
import { type ArchivedMember, parseMember, parseRow } from './check-line.ts';
import { AUDIT_LOGS, METADATA_PARTS, type MetadataPart } from './metadata-parts.ts';
import { parseJson } from './parse-json.ts';
import type { ArchivePiece, VerifiedArchive } from './read-archive.ts';

/** A person of the archive: who it was there, and who it is here. */
export interface KnownMember {
  readonly there: string;
  readonly here: string;
}

type Rows = Extract<ArchivePiece, { kind: 'rows' }>;

/** The pieces of an archive that was verified, in their order; a file that was exchanged since is refused. */
export class VerifiedPieces implements AsyncDisposable {
  readonly #pieces: AsyncGenerator<ArchivePiece>;
  readonly #verified: VerifiedArchive;
  #next: ArchivePiece | undefined;
  #parts = 0;

  constructor(pieces: AsyncGenerator<ArchivePiece>, verified: VerifiedArchive) {
    this.#pieces = pieces;
    this.#verified = verified;
  }

  /** The parts that come now, of one database or of one table of it. */
  async *rows(database: 'metadata' | 'results', table?: string): AsyncGenerator<Rows> {
    for (;;) {
      const piece = await this.#peek();
      if (piece?.kind !== 'rows' || piece.part.database !== database) return;
      if (table !== undefined && piece.part.table !== table) return;
      this.#next = undefined;
      if (piece.sha256 !== this.#verified.manifest.parts[this.#parts++]?.sha256) throw changed(piece.name);
      yield piece;
    }
  }

  /**
   * Stores the files that come now and are not there; tells each of them before. They are what is left of the archive.
   * @throws {ArchiveRefusedError} where they are not those that were verified, or rows were left out before them.
   */
  async storeFiles(artifacts: ArtifactStore, orgId: OrgId, before: (digest: string) => void): Promise<void> {
    const { manifest, filesSha256 } = this.#verified;
    const digests = createHash('sha256');
    for (;;) {
      const piece = await this.#peek();
      if (piece?.kind !== 'file') {
        if (digests.digest('hex') !== filesSha256) throw changed('files');
        if (this.#parts !== manifest.parts.length) throw changed('manifest.json');
        return;
      }
      this.#next = undefined;
      digests.update(piece.digest);
      if (await artifacts.head(orgId, piece.digest)) continue;
      before(piece.digest);
      await artifacts.put(orgId, piece.content);
    }
  }

  /** Closes the archive. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pieces.return(undefined);
  }

  async #peek(): Promise<ArchivePiece | undefined> {
    this.#next ??= (await this.#pieces.next()).value ?? undefined;
    return this.#next;
  }
}

const changed = (at: string) => new ArchiveRefusedError({ at, reason: 'it has changed since it was verified' });

/** @throws {ArchiveRefusedError} for a line that is no member. */
export function parseMembers({ name, lines }: Rows): readonly ArchivedMember[] {
  return lines.map((line, index) => parseMember({ at: `${name} line ${index + 1}`, line }));
}

/**
 * Writes the rows of the Metadata DB in a transaction that row-level security confines to the organization. Whatever the lines say, a row gets this
 * organization's id, and names only people of the archive.
 * @throws {ArchiveRefusedError}
 */
export async function loadMetadata(
  tx: QueryExecutorProvider,
  {
    orgId,
    parts,
    members,
  }: { readonly orgId: OrgId; readonly parts: AsyncIterable<Rows>; readonly members: readonly KnownMember[] },
): Promise<void> {
  const { rows } = await sql<{ schema: string }>`select current_schema() as schema`.execute(tx);
  const known = new Map((await describeTables(tx, rows[0]?.schema ?? 'public')).map((table) => [table.table, table]));
  const users = { there: members.map(({ there }) => there), here: members.map(({ here }) => here) };
  for await (const piece of parts) {
    const { table } = piece.part;
    if (table === AUDIT_LOGS) continue;
    const part = METADATA_PARTS.find((candidate) => candidate.table === table);
    const described = known.get(table);
    if (part === undefined || described === undefined)
      throw new ArchiveRefusedError({ at: piece.name, reason: 'no table of this name is restored' });
    const columns = checkRows(piece, { described, orgId: part.isOwned ? orgId : undefined });
    await refusing(piece.name, () => insertOwned(tx, { piece, part, columns, orgId, users }));
  }
  await sql`update org_settings set storage_prefix = ${orgId} where org_id = ${orgId}`.execute(tx);
}

interface OwnedRows {
  readonly piece: Rows;
  readonly part: MetadataPart;
  readonly columns: readonly string[];
  readonly orgId: OrgId;
  readonly users: { readonly there: readonly string[]; readonly here: readonly string[] };
}

async function insertOwned(
  tx: QueryExecutorProvider,
  { piece, part, columns, orgId, users }: OwnedRows,
): Promise<void> {
  const given = columns.filter((column) => column !== 'org_id' && column !== part.user && !part.anew?.includes(column));
  const names = given.map((column) => sql.id(column));
  const values = given.map((column) => sql`r.${sql.id(column)}`);
  if (part.isOwned) {
    names.push(sql.id('org_id'));
    values.push(sql`${orgId}::uuid`);
  }
  if (part.user !== undefined) {
    names.push(sql.id(part.user));
    values.push(sql`m.here`);
  }
  const json = `[${piece.lines.map((line) => (line.startsWith('[') ? line.slice(1, -1) : line)).join(',')}]`;
  const who =
    part.user === undefined
      ? sql``
      : sql`left join unnest(${users.there}::uuid[], ${users.here}::uuid[]) m(there, here) on m.there = r.${sql.id(part.user)}`;
  await sql`insert into ${sql.id(part.table)} (${sql.join(names)})
    select ${sql.join(values)} from json_populate_recordset(null::${sql.id(part.table)}, ${json}::json) r ${who}`.execute(
    tx,
  );
}

/**
 * Writes the rows of the Results DB into one that is empty; the keys between them are proved afterwards.
 * @throws {ArchiveRefusedError}
 */
export async function loadResults(
  tx: QueryExecutorProvider,
  {
    schema,
    parts,
    members,
    sequences,
  }: {
    readonly schema: string;
    readonly parts: AsyncIterable<Rows>;
    readonly members: readonly KnownMember[];
    readonly sequences: ArchiveManifest['sequences'];
  },
): Promise<void> {
  const tables = await describeTables(tx, schema);
  const known = new Map(tables.map((table) => [table.table, table]));
  const counters = await readSequences(tx, schema);
  const unknown = sequences.find(
    (one) => !counters.some(({ table, column }) => table === one.table && column === one.column),
  );
  if (unknown)
    throw new ArchiveRefusedError({
      at: 'manifest.json',
      reason: `no table has the counter ${unknown.table}.${unknown.column}`,
    });
  await refusing('the rows of its Results DB', () =>
    withBareTables(tx, { schema, tables }, async () => {
      for await (const piece of parts) {
        const described = known.get(piece.part.table);
        if (described === undefined)
          throw new ArchiveRefusedError({ at: piece.name, reason: 'no table of this name is restored' });
        const columns = checkRows(piece, { described });
        await refusing(piece.name, () => insertLines(tx, { schema, table: described.table, columns }, piece.lines));
      }
      const moved = members.filter(({ there, here }) => there !== here);
      if (moved.length > 0)
        await sql`update ${sql.id(schema, 'jobs')} j set submitted_by = m.here
          from unnest(${moved.map(({ there }) => there)}::uuid[], ${moved.map(({ here }) => here)}::uuid[]) m(there, here)
          where j.submitted_by = m.there`.execute(tx);
      await setSequences(tx, schema, sequences);
    }),
  );
  const { rows } =
    await sql`select from ${sql.id(schema, 'jobs')} j join ${sql.id(schema, 'jobs')} c on c.job_id = j.canonical_job_id
    where c.canonical_job_id is not null limit 1`.execute(tx);
  if (rows.length > 0)
    throw new ArchiveRefusedError({ at: 'results/jobs', reason: 'a canonical job did not run itself' });
}

/** Every line is a row of this table, all with the same columns; returns these. */
function checkRows(
  { name, part, lines }: Rows,
  { described, orgId }: { readonly described: DescribedTable; readonly orgId?: OrgId | undefined },
): readonly string[] {
  let columns: readonly string[] | undefined;
  for (const line of lines) {
    const isTemplate = part.table === 'pipeline_task_steps';
    const parsed = isTemplate ? parseJson(name, line) : [parseRow({ at: name, line })];
    if (!Array.isArray(parsed))
      throw new ArchiveRefusedError({ at: name, reason: 'a line is not the steps of a template' });
    for (const row of parsed) {
      if (!isJsonObject(row)) throw new ArchiveRefusedError({ at: name, reason: 'a line is no row' });
      const keys = Object.keys(row).sort();
      columns ??= checkColumns(name, keys, described);
      if (keys.join() !== columns.join())
        throw new ArchiveRefusedError({ at: name, reason: 'its rows do not have the same columns' });
      if (orgId !== undefined && row.org_id !== orgId)
        throw new ArchiveRefusedError({ at: name, reason: 'a row is of another organization' });
    }
  }
  if (columns === undefined) throw new ArchiveRefusedError({ at: name, reason: 'it holds no row' });
  return columns;
}

function checkColumns(name: string, keys: readonly string[], { table, columns }: DescribedTable): readonly string[] {
  const unknown = keys.find((key) => !columns.includes(key));
  if (unknown !== undefined)
    throw new ArchiveRefusedError({
      at: name,
      reason: `${table} has no column ${JSON.stringify(unknown.slice(0, 100))}`,
    });
  return keys;
}

/** Data that break a type, a key, a rule or row-level security; anything else is the database's trouble. */
const OF_THE_DATA = /^(22|23|42501|428C9|54|P0001)/;

async function refusing<T>(at: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    const state = findSqlState(cause);
    if (state === undefined || !OF_THE_DATA.test(state)) throw cause;
    const constraint =
      cause instanceof Error && 'constraint' in cause && typeof cause.constraint === 'string'
        ? cause.constraint
        : state;
    throw new ArchiveRefusedError({ at, reason: `the database refuses a row of it (${constraint})`, cause });
  }
}
