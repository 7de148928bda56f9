import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Caller,
  createLocalArtifactStore,
  createLocalSignals,
  inAllOrganizations,
  insertOrganization,
  type JobQueue,
  type MetadataDatabase,
  migrateMetadata,
  migrateResults,
  openResultsDatabase,
  type Platform,
  type ResultsDatabase,
  type TaskRunner,
} from '@mad/core';
import { createPgliteDatabase, createPostgresDatabase } from '@mad/testkit';
import { type Kysely, sql } from 'kysely';

export const ORG_ID = '0195d0c0-0000-7000-8000-00000000000a';
const SCHEMA = 'org_a';

export const CALLER: Caller = {
  orgId: ORG_ID,
  userId: null,
  permissions: new Set(['job.create', 'job.view', 'job.cancel', 'job.results.view', 'pipeline.create']),
};

/** What all cases of a check share: one database that nothing befalls. */
export interface PropertyWorld extends AsyncDisposable {
  /** By which a database that goes away is opened; PGlite has none. */
  readonly url: string | undefined;
  readonly metadata: MetadataDatabase;
  readonly results: ResultsDatabase;
  /** A platform on this database, or on another handle of it, with tasks and a queue of its own. */
  connect(given: {
    readonly tasks: TaskRunner;
    readonly queue: JobQueue;
    readonly db?: Kysely<unknown> | undefined;
  }): Platform;
  /** Forgets the jobs of earlier cases: recovery would look at them again. */
  clear(): Promise<void>;
  /** Ends what is dead without being waited for; it is waited for when the world ends. */
  bury(dead: AsyncDisposable): void;
}

export async function openPropertyWorld(kind: 'pglite' | 'postgres'): Promise<PropertyWorld> {
  const database =
    kind === 'pglite' ? createPgliteDatabase() : await createPostgresDatabase({ name: 'checks_property', fill });
  if (kind === 'pglite') await fill(database.db);
  const { db } = database;
  const folder = await mkdtemp(join(tmpdir(), 'mad-property-'));
  const artifacts = createLocalArtifactStore({ folder });
  const signals = createLocalSignals();
  const buried = new Set<Promise<void>>();
  return {
    url: 'url' in database ? (database.url as string) : undefined,
    metadata: db as unknown as MetadataDatabase,
    results: openResultsDatabase(db, { schema: SCHEMA }),
    connect({ tasks, queue, db: handle = db }) {
      const results = openResultsDatabase(handle, { schema: SCHEMA });
      const metadata = handle as unknown as MetadataDatabase;
      return { metadata, results: { get: async () => results }, artifacts, tasks, queue, signals };
    },
    async clear() {
      await sql`truncate ${sql.table(`${SCHEMA}.jobs`)} cascade`.execute(db);
      await sql`truncate jobs_meta cascade`.execute(db);
    },
    bury(dead) {
      const ending = (async () => dead[Symbol.asyncDispose]())().catch(() => {});
      buried.add(ending);
      void ending.then(() => buried.delete(ending));
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(buried);
      await database[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}

async function fill(db: Kysely<unknown>): Promise<void> {
  await migrateMetadata(db);
  await migrateResults(db, { schema: SCHEMA, orgId: ORG_ID });
  await inAllOrganizations(db as unknown as MetadataDatabase, (tx) =>
    insertOrganization(tx, { org_id: ORG_ID, name: 'org a', status: 'active' }),
  );
}
