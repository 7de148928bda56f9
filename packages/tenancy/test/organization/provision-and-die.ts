import type { MetadataDatabase } from '@mad/core';
import { Kysely, PostgresDialect } from 'kysely';
import { Pool } from 'pg';
import { provisionOrganization } from '../../src/index.ts';

/** A process of its own that provisions an organization and is killed before one of the steps. */
const { name, placement, step, url } = JSON.parse(process.argv[2] ?? '');
const pool = new Pool({ connectionString: url });
const metadata = new Kysely({ dialect: new PostgresDialect({ pool }) }) as unknown as MetadataDatabase;
const connect = (database?: string) => ({
  connectionString: database === undefined ? url : url.replace(/mad_test_\w+/, database),
});
const die = (reached: string) => void (reached === step && process.kill(process.pid, 'SIGKILL'));

await provisionOrganization(
  { metadata, clusters: { main: { kind: 'postgres', connect } }, onStep: die },
  { name, placement, cluster: 'main' },
);
