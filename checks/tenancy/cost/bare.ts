import { randomBytes } from 'node:crypto';
import { migrationSql, resultsTrack } from '@mad/core';
import { sql } from 'kysely';
import type { ProvisioningPlatform } from '../provisioning/provisioning-platform.ts';

/** Makes one database as a copy of the template that provisioning uses, and nothing else, on a connection that is open already. */
export async function prepareBareDatabase({ cluster }: ProvisioningPlatform): Promise<() => Promise<void>> {
  const { rows } = await sql<{ name: string }>`
    select datname as name from pg_database where datistemplate and datdba = current_user::regrole`.execute(cluster);
  const template = rows[0]?.name ?? '';
  return async () => {
    await sql`create database ${sql.id(`bare_${suffix()}`)} template ${sql.id(template)}`.execute(cluster);
  };
}

/** Makes one schema with the tables of a Results DB, a statement after the other as a migrator does it, on a connection that is open already. */
export async function prepareBareSchema({ cluster }: ProvisioningPlatform): Promise<() => Promise<void>> {
  const names = Object.keys(resultsTrack.migrations).sort();
  const statements = await migrationSql({ track: resultsTrack, schema: 'placeholder' }, names);
  return () =>
    cluster.transaction().execute(async (connection) => {
      const schema = `"bare_${suffix()}"`;
      for (const statement of statements)
        await sql.raw(statement.replaceAll('"placeholder"', schema)).execute(connection);
    });
}

const suffix = (): string => randomBytes(8).toString('hex');
