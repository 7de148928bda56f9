import { createPostgresDatabase } from '@mad/testkit';
import { Kysely, type LogEvent, PostgresDialect, sql } from 'kysely';
import { Pool } from 'pg';
import { NotFoundError } from '../../src/errors.ts';
import { newId, type OrgId } from '../../src/ids.ts';
import type { MirrorPlatform } from '../../src/job/mirror-job.ts';
import type { Logger } from '../../src/logger.ts';
import { inAllOrganizations, inOrganization, type MetadataDatabase } from '../../src/metadata/metadata-database.ts';
import { migrateMetadata } from '../../src/metadata/metadata-track.ts';
import { insertOrganization } from '../../src/metadata/organization.repository.ts';
import type { SharedMetadataTables } from '../../src/metadata/tables/metadata-tables.ts';
import type { JobMessage, JobQueue } from '../../src/ports/job-queue.ts';
import { openResultsDatabase } from '../../src/results/open-results-database.ts';
import type { ResultsDatabase } from '../../src/results/results-database.ts';
import { migrateResults } from '../../src/results/results-track.ts';
import type { NewJobRow } from '../../src/results/tables/job.table.ts';
import { insertTestPipeline } from '../metadata/fill-organization.ts';

export interface TestOrganization {
  readonly orgId: OrgId;
  readonly results: ResultsDatabase;
  readonly pipeline: { readonly pipeline_id: string; readonly pipeline_version_id: string };
}

export interface TwoDatabases extends AsyncDisposable {
  readonly url: string;
  readonly metadata: MetadataDatabase;
  readonly platform: MirrorPlatform & { readonly logger: Logger };
  /** Messages of warnings, in their order. */
  readonly warnings: string[];
  /** SQL that ran on the metadata database, without the statements that open and close transactions. */
  readonly statements: string[];
  /** How often each organization's Results DB was asked for. */
  readonly opened: Map<OrgId, number>;
  addOrganization(): Promise<TestOrganization>;
}

/** The Metadata DB and the Results DBs of organizations, as schemas of one database on the real server. */
export async function openTwoDatabases(): Promise<TwoDatabases> {
  const database = await createPostgresDatabase({ name: 'two_databases', fill: migrateMetadata });
  return connectTwoDatabases(database.url, () => database[Symbol.asyncDispose]());
}

export function connectTwoDatabases(url: string, dispose: () => PromiseLike<void> = async () => {}): TwoDatabases {
  const pool = new Pool({ connectionString: url, max: 8 });
  pool.on('error', () => {});
  const statements: string[] = [];
  const warnings: string[] = [];
  const log = ({ query }: LogEvent) => {
    if (!/^(begin|commit|rollback|\s*select set_config)/i.test(query.sql)) statements.push(query.sql);
  };
  const metadata = new Kysely<SharedMetadataTables>({ dialect: new PostgresDialect({ pool }), log });
  const plain = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  const opened = new Map<OrgId, number>();
  const results = {
    async get(orgId: OrgId) {
      opened.set(orgId, (opened.get(orgId) ?? 0) + 1);
      const { rows } = await sql`select from pg_namespace where nspname = ${`org_${orgId}`}`.execute(plain);
      if (rows.length === 0) throw new NotFoundError({ entity: 'results database of organization', id: orgId });
      return openResultsDatabase(plain, { schema: `org_${orgId}` });
    },
  };
  const warn = (_: object, message: string) => void warnings.push(message);
  const logger: Logger = { debug() {}, info() {}, warn, error: warn };
  return {
    ...{ url, metadata, warnings, statements, opened },
    platform: { metadata, results, logger },
    async addOrganization() {
      const orgId = newId();
      await inAllOrganizations(metadata, (tx) =>
        insertOrganization(tx, { org_id: orgId, name: orgId, status: 'active' }),
      );
      await migrateResults(plain, { schema: `org_${orgId}`, orgId });
      const pipeline = await inOrganization(metadata, orgId, (tx) => insertTestPipeline(tx, { name: 'docking' }));
      statements.length = 0;
      return { orgId, results: openResultsDatabase(plain, { schema: `org_${orgId}` }), pipeline };
    },
    async [Symbol.asyncDispose]() {
      await metadata.destroy();
      await dispose();
    },
  };
}

/** Inserts jobs with one event each, as an accepted one has; returns their ids. */
export async function insertTestJobs(
  { results, pipeline }: TestOrganization,
  count: number,
  more: Partial<NewJobRow> = {},
): Promise<string[]> {
  const jobIds = Array.from({ length: count }, () => newId());
  const jobs = jobIds.map((job_id) => ({
    job_id,
    pipeline_version: 'docking@1.0.0',
    ...pipeline,
    last_event_seq: 1,
    ...more,
  }));
  await results.insertInto('jobs').values(jobs).execute();
  const events = jobIds.map((job_id) => ({ job_id, seq_no: 1, event: 'QUEUED' }));
  await results.insertInto('job_events').values(events).execute();
  return jobIds;
}

/** A queue that delivers nothing and remembers what it was given, each job once. */
export function createRememberingQueue(): JobQueue & { readonly messages: Map<string, JobMessage> } {
  const messages = new Map<string, JobMessage>();
  return {
    messages,
    async enqueue(given) {
      for (const message of given) messages.set(message.jobId, message);
    },
    async depth() {
      const counts = Map.groupBy(messages.values(), ({ orgId }) => orgId);
      return [...counts].map(([orgId, { length }]) => ({ orgId, waiting: length, running: 0, oldestMs: 0 }));
    },
    consume: () => ({ async [Symbol.asyncDispose]() {} }),
  };
}
