import {
  inAllOrganizations,
  inOrganization,
  insertMembership,
  insertOrganization,
  insertUser,
  type MetadataDatabase,
  newId,
  recordAudit,
} from '@mad/core';
import { sql } from 'kysely';

/** An organization whose trail has this many entries of one user. */
export async function auditedOrganization(metadata: MetadataDatabase, entries: number) {
  const { orgId, userId } = await inAllOrganizations(metadata, async (tx) => {
    const organization = await insertOrganization(tx, { name: newId() });
    const user = await insertUser(tx, { email: `${organization.org_id}@example.org` });
    return { orgId: organization.org_id, userId: user.user_id };
  });
  await inOrganization(metadata, orgId, async (tx) => {
    await insertMembership(tx, { userId });
    for (let n = 1; n <= entries; n++)
      await recordAudit(tx, { userId }, { action: `thing.${n}`, entityType: 'thing', entityId: `${n}`, after: { n } });
  });
  return { orgId, userId };
}

/** Runs the statements as the database's superuser, past its triggers and foreign keys. */
export async function tamper(
  metadata: MetadataDatabase,
  ...statements: readonly ReturnType<typeof sql>[]
): Promise<void> {
  await metadata.transaction().execute(async (tx) => {
    await sql`set local session_replication_role = replica`.execute(tx);
    for (const statement of statements) await statement.execute(tx);
  });
}
