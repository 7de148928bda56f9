import {
  type Caller,
  inAllOrganizations,
  inOrganization,
  insertOrganization,
  type MetadataDatabase,
  migrateMetadata,
  newId,
  type OrgId,
  PERMISSIONS,
} from '@mad/core';
import { createPgliteDatabase, createPostgresDatabase } from '@mad/testkit';
import { afterAll, beforeAll, describe } from 'vitest';

/** A migrated Metadata DB. */
export const metadataTemplate = { name: 'metadata', fill: migrateMetadata };

/** Runs the same tests on PGlite and on a real server, each with a migrated Metadata DB. */
export function describeOnEachDatabase(tests: (metadata: () => MetadataDatabase) => void): void {
  const databases = [
    { name: 'PGlite', create: async () => createPgliteDatabase(metadataTemplate) },
    { name: 'PostgreSQL', create: () => createPostgresDatabase(metadataTemplate) },
  ];
  describe.each(databases)('on $name', ({ create }) => {
    let database: Awaited<ReturnType<typeof create>>;
    beforeAll(async () => {
      database = await create();
    });
    afterAll(() => database[Symbol.asyncDispose]());
    tests(() => database.db as unknown as MetadataDatabase);
  });
}

/** A new organization. */
export async function insertTestOrganization(db: MetadataDatabase): Promise<OrgId> {
  const orgId = newId();
  await inAllOrganizations(db, (tx) =>
    insertOrganization(tx, { org_id: orgId, name: `org ${orgId}`, status: 'active' }),
  );
  return orgId;
}

/** A program that may do everything in the organization. */
export const callerOf = (orgId: OrgId): Caller => ({ orgId, userId: null, permissions: new Set(PERMISSIONS) });

/** Counts rows that the organization itself owns or may read. */
export async function countRows(
  db: MetadataDatabase,
  { orgId, table }: { orgId: OrgId; table: 'task_definitions' | 'task_services' },
): Promise<number> {
  return inOrganization(db, orgId, async (tx) => {
    const { count } = await tx
      .selectFrom(table)
      .select((eb) => eb.fn.countAll<string | number>().as('count'))
      .executeTakeFirstOrThrow();
    return Number(count);
  });
}
