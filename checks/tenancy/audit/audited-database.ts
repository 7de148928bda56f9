import {
  inAllOrganizations,
  inOrganization,
  insertOrganization,
  type MetadataDatabase,
  migrateMetadata,
  newId,
} from '@mad/core';
import { createPostgresDatabase } from '@mad/testkit';
import { type Kysely, sql } from 'kysely';

/** A Metadata DB of its own with one organization that has a trail. Disposing drops it. */
export interface AuditedDatabase extends AsyncDisposable {
  readonly metadata: MetadataDatabase;
  readonly orgId: string;
}

const ORG_ID = '01890a5d-ac96-774b-bcce-b302099a8057';
const AT_ONCE = 500;

/** The trail is written once, through the door of the organization, and cloned with its database each time. */
export async function createAuditedDatabase(rows: number): Promise<AuditedDatabase> {
  const database = await createPostgresDatabase({ name: `audit_${rows}`, fill: (db) => fill(db, rows) });
  return {
    metadata: database.db as unknown as MetadataDatabase,
    orgId: ORG_ID,
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}

async function fill(db: Kysely<unknown>, rows: number): Promise<void> {
  await migrateMetadata(db);
  const metadata = db as unknown as MetadataDatabase;
  await inAllOrganizations(metadata, (tx) => insertOrganization(tx, { org_id: ORG_ID, name: 'audited' }));
  for (let first = 0; first < rows; first += AT_ONCE) {
    const values = Array.from({ length: Math.min(AT_ONCE, rows - first) }, (_, n) => toEntry(first + n));
    await inOrganization(metadata, ORG_ID, (tx) => tx.insertInto('audit_logs').values(values).execute());
  }
  await sql`analyze audit_logs`.execute(db);
}

const toEntry = (n: number) => ({
  audit_id: newId(),
  org_id: ORG_ID,
  user_id: null,
  action: 'role.assign',
  entity_type: 'user',
  entity_id: `user ${n}`,
  metadata: { role: 'standard', before: `${n}`.padStart(64, '0'), after: `${n + 1}`.padStart(64, '0') },
});

/** Runs the statements as the superuser whom triggers and foreign keys do not hold. */
export async function tamper(
  { metadata }: AuditedDatabase,
  statements: readonly ReturnType<typeof sql>[],
): Promise<void> {
  await metadata.transaction().execute(async (tx) => {
    await sql`set local session_replication_role = replica`.execute(tx);
    for (const statement of statements) await statement.execute(tx);
  });
}
