import { createLocalArtifactStore, type MetadataDatabase } from '@mad/core';
import { Kysely, PostgresDialect } from 'kysely';
import { Pool } from 'pg';
import { offboardOrganization, restoreOrganization } from '../../src/index.ts';

/** A process of its own that offboards or restores an organization and is killed before one of the steps. */
const { what, step, url, folder, request } = JSON.parse(process.argv[2] ?? '');
const pool = new Pool({ connectionString: url });
const metadata = new Kysely({ dialect: new PostgresDialect({ pool }) }) as unknown as MetadataDatabase;
const connect = (database?: string) => ({
  connectionString: database === undefined ? url : url.replace(/mad_test_\w+/, database),
});
const onStep = (reached: string) => void (reached === step && process.kill(process.pid, 'SIGKILL'));
const artifacts = createLocalArtifactStore({ folder });
const context = { metadata, clusters: { main: { kind: 'postgres', connect } as const }, artifacts, onStep };

await (what === 'offboard' ? offboardOrganization(context, request) : restoreOrganization(context, request));
