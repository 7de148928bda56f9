import { sql } from 'kysely';
import { MetadataRoleError } from '../errors.ts';
import { MIGRATE } from './explain-role-failure.ts';
import type { MetadataDatabase } from './metadata-database.ts';

export interface MetadataRole {
  /** The login's name. */
  readonly name: string;
  /** True for superusers, roles with BYPASSRLS, and whoever may act as the owner of the tables. */
  readonly privileged: boolean;
}

interface RoleRow {
  readonly name: string;
  readonly bypasses: boolean;
  readonly owns: boolean | null;
  readonly missing: string[];
  readonly joins: boolean | null;
}

/**
 * Makes sure at start-up that this connection's login can serve, and that row-level security binds it also outside our transactions. PGlite
 * and a developer's machine connect as superuser: pass `allowPrivileged` there; `inOrganization` confines them all the same.
 * @throws {MetadataRoleError} when the login is privileged and that was not allowed, may not take the two roles, or the tables are not there.
 */
export async function checkMetadataRole(
  db: MetadataDatabase,
  { allowPrivileged = false }: { readonly allowPrivileged?: boolean | undefined } = {},
): Promise<MetadataRole> {
  const { name, bypasses, owns, missing, joins } = await readRole(db);
  if (owns === null || missing.length > 0) {
    const problem =
      owns === null ? 'the metadata tables are not there' : `the role ${missing.join(' and the role ')} does not exist`;
    throw new MetadataRoleError({ problem, remedy: MIGRATE });
  }
  const privileged = bypasses || owns;
  if (privileged && !allowPrivileged) {
    throw new MetadataRoleError({
      problem: `${name} ${bypasses ? 'bypasses row-level security' : 'owns the metadata tables'}`,
      remedy: `connect as a login that does not, granted mad_organization and mad_operator, or pass allowPrivileged`,
    });
  }
  if (!joins) {
    throw new MetadataRoleError({
      problem: `${name} may not act as mad_organization and mad_operator`,
      remedy: `run: GRANT mad_organization, mad_operator TO ${name}`,
    });
  }
  return { name, privileged };
}

async function readRole(db: MetadataDatabase): Promise<RoleRow> {
  // From 16 on a member may be without SET; before, every member may.
  const { rows } = await sql<RoleRow>`
    select quote_ident(current_user) as name,
      (select rolsuper or rolbypassrls from pg_roles where rolname = current_user) as bypasses,
      (select pg_has_role(current_user, relowner, 'MEMBER') from pg_class where oid = to_regclass('organizations')) as owns,
      array(select wanted::text from unnest(array['mad_organization', 'mad_operator']) as wanted
        where not exists (select from pg_roles where rolname = wanted)) as missing,
      (select bool_and(pg_has_role(current_user, oid, case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end))
        from pg_roles where rolname in ('mad_organization', 'mad_operator')) as joins`.execute(db);
  const [row] = rows;
  if (row === undefined) throw new MetadataRoleError({ problem: 'the login has no role', remedy: 'connect again' });
  return row;
}
