import type { MetadataDatabase } from '@mad/core';
import { Kysely, PostgresDialect } from 'kysely';
import { Pool } from 'pg';
import { moveOrganization } from '../../src/index.ts';

/** A process of its own that moves an organization and is killed before one of the steps. */
const { orgId, placement, step, url } = JSON.parse(process.argv[2] ?? '');
const pool = new Pool({ connectionString: url });
const metadata = new Kysely({ dialect: new PostgresDialect({ pool }) }) as unknown as MetadataDatabase;
const connect = (database?: string) => ({
  connectionString: database === undefined ? url : url.replace(/mad_test_\w+/, database),
});
const die = (reached: string) => void (reached === step && process.kill(process.pid, 'SIGKILL'));

await moveOrganization(
  { metadata, clusters: { main: { kind: 'postgres', connect } }, onStep: die },
  { orgId, to: { placement, cluster: 'main' }, actor: null, dropAfterMs: 0 },
);
