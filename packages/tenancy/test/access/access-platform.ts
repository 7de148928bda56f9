import {
  inAllOrganizations,
  inOrganization,
  insertMembership,
  insertMembershipRole,
  insertOrganization,
  insertRole,
  insertRolePermissions,
  insertUser,
  type MetadataDatabase,
  migrateMetadata,
  newId,
} from '@mad/core';
import { createPostgresDatabase } from '@mad/testkit';
import { Kysely, PostgresDialect, sql } from 'kysely';
import { Pool } from 'pg';
import { findCaller, type Principal, SEEDED_ROLES } from '../../src/index.ts';

export interface TestOrganization {
  readonly orgId: string;
  /** Its first administrator. */
  readonly admin: Principal;
}

export interface AccessPlatform extends AsyncDisposable {
  readonly metadata: MetadataDatabase;
  readonly url: string;
  /** A user of the platform; their id. */
  user(facts?: { email?: string; hashed?: string }): Promise<string>;
  /** An active organization with the seeded roles and an administrator. */
  organization(): Promise<TestOrganization>;
  /** A user with these roles of the organization. */
  member(orgId: string, roles: readonly string[], userId?: string): Promise<Principal>;
  /** The actions of the audit trail of an organization, oldest first; of the platform where it is null. */
  audited(orgId: string | null): Promise<string[]>;
}

/** A Metadata DB on the real server. */
export async function createAccessPlatform(): Promise<AccessPlatform> {
  const database = await createPostgresDatabase({ name: 'tenancy_metadata', fill: migrateMetadata });
  const metadata = database.db as unknown as MetadataDatabase;

  const user: AccessPlatform['user'] = async ({ email = `${newId()}@example.org`, hashed } = {}) => {
    const row = await inAllOrganizations(metadata, (tx) => insertUser(tx, { email, hashed_password: hashed }));
    return row.user_id;
  };

  const member: AccessPlatform['member'] = async (orgId, roles, userId) => {
    const joined = userId ?? (await user());
    await inOrganization(metadata, orgId, async (tx) => {
      await insertMembership(tx, { userId: joined });
      const rows = await tx.selectFrom('roles').selectAll().where('org_id', '=', orgId).execute();
      for (const { role_id, name } of rows)
        if (roles.includes(name)) await insertMembershipRole(tx, { userId: joined, roleId: role_id });
    });
    return callerOf(metadata, { orgId, userId: joined });
  };

  return {
    metadata,
    url: database.url,
    user,
    member,
    async organization() {
      const { org_id: orgId } = await inAllOrganizations(metadata, (tx) => insertOrganization(tx, { name: newId() }));
      await inOrganization(metadata, orgId, async (tx) => {
        for (const [name, permissions] of Object.entries(SEEDED_ROLES)) {
          const { role_id } = await insertRole(tx, { name });
          await insertRolePermissions(tx, { roleId: role_id, permissions });
        }
      });
      return { orgId, admin: await member(orgId, ['admin']) };
    },
    async audited(orgId) {
      const rows = await inAllOrganizations(metadata, (tx) =>
        tx
          .selectFrom('audit_logs')
          .select('action')
          .where('org_id', orgId === null ? 'is' : '=', orgId)
          .orderBy('audit_id')
          .execute(),
      );
      return rows.map(({ action }) => action);
    },
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}

/** The user as a caller, who must be one. */
export async function callerOf(
  metadata: MetadataDatabase,
  who: { readonly orgId: string; readonly userId: string },
): Promise<Principal> {
  const caller = await findCaller(metadata, who);
  if (caller === undefined) throw new RangeError('the user is no member');
  return caller;
}

/** The same database by connections whose statements are counted, as an ordinary login. */
export async function countingDatabase(
  platform: AccessPlatform,
): Promise<{ db: MetadataDatabase; sent: string[] } & AsyncDisposable> {
  const login = `mad_login_${newId().slice(-12)}`;
  await sql`create role ${sql.id(login)} login password 'ordinary'`.execute(platform.metadata);
  await sql`grant mad_organization, mad_operator to ${sql.id(login)}`.execute(platform.metadata);
  const sent: string[] = [];
  const pool = new Pool({ connectionString: platform.url.replace(/\/\/[^@/]*@/, `//${login}:ordinary@`), max: 2 });
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...args: unknown[]) => unknown;
    Object.assign(client, {
      query: (...args: unknown[]) => {
        sent.push(String((args[0] as { text?: string }).text ?? args[0]));
        return query(...args);
      },
    });
  });
  const db = new Kysely({ dialect: new PostgresDialect({ pool }) }) as unknown as MetadataDatabase;
  return {
    db,
    sent,
    async [Symbol.asyncDispose]() {
      await db.destroy();
      await sql`drop owned by ${sql.id(login)}`.execute(platform.metadata);
      await sql`drop role ${sql.id(login)}`.execute(platform.metadata);
    },
  };
}
