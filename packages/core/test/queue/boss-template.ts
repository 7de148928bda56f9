import type { DatabaseTemplate } from '@mad/testkit';
import { sql } from 'kysely';
import { getConstructionPlans } from 'pg-boss';
import { migrateMetadata } from '../../src/metadata/metadata-track.ts';
import type { SharedMetadataTables } from '../../src/metadata/tables/metadata-tables.ts';

/** A Metadata DB with pg-boss in it. */
export const bossTemplate: DatabaseTemplate<SharedMetadataTables> = {
  name: 'metadata_pg_boss',
  async fill(db) {
    await migrateMetadata(db);
    await sql.raw(getConstructionPlans()).execute(db);
  },
};
