import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ArtifactStore,
  createLocalArtifactStore,
  inAllOrganizations,
  insertOrganization,
  type MetadataDatabase,
  migrateMetadata,
  migrateResults,
  newId,
  type OrgId,
  openMetadataDatabase,
  openResultsDatabase,
  type ResultsDatabase,
} from '@mad/core';
import { createPgliteDatabase, createPostgresDatabase } from '@mad/testkit';
import type { Kysely } from 'kysely';

/** Both databases, a folder of artifacts and an organization. */
export interface OpenedCache extends AsyncDisposable {
  readonly orgId: OrgId;
  readonly results: ResultsDatabase;
  readonly metadata: MetadataDatabase;
  readonly artifacts: ArtifactStore;
  readonly folder: string;
}

export async function openOnPglite(): Promise<OpenedCache> {
  const [results, metadata] = [createPgliteDatabase(), createPgliteDatabase()];
  await migrateResults(results.db, { schema: 'acme' });
  await migrateMetadata(metadata.db);
  return open({ results, metadata, schema: 'acme' });
}

export async function openOnPostgres(): Promise<OpenedCache> {
  const [results, metadata] = await Promise.all([
    createPostgresDatabase({ name: 'cache_results', fill: (db: Kysely<unknown>) => migrateResults(db) }),
    createPostgresDatabase({ name: 'cache_metadata', fill: (db: Kysely<unknown>) => migrateMetadata(db) }),
  ]);
  return open({ results, metadata, schema: 'public' });
}

interface OpenedDatabase extends AsyncDisposable {
  readonly db: Kysely<unknown>;
}

async function open(given: {
  readonly results: OpenedDatabase;
  readonly metadata: OpenedDatabase;
  readonly schema: string;
}): Promise<OpenedCache> {
  const folder = await mkdtemp(join(tmpdir(), 'mad-cache-'));
  const metadata = await openMetadataDatabase(given.metadata.db, { allowPrivileged: true });
  const orgId = newId();
  await inAllOrganizations(metadata, (tx) => insertOrganization(tx, { org_id: orgId, name: orgId }));
  return {
    orgId,
    results: openResultsDatabase(given.results.db, { schema: given.schema }),
    metadata,
    artifacts: createLocalArtifactStore({ folder }),
    folder,
    async [Symbol.asyncDispose]() {
      await given.results[Symbol.asyncDispose]();
      await given.metadata[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
