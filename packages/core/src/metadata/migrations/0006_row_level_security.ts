import { SYSTEM_ORG_ID } from '../../ids.ts';
import { sqlMigration } from '../../postgres/sql-migration.ts';

// Roles belong to the cluster: another database's migration may make them at this moment, or a superuser may have made them beforehand.
const createRole = (role: string): string => `DO $role$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${role}') THEN
    BEGIN
      CREATE ROLE ${role} NOLOGIN;
    EXCEPTION
      WHEN duplicate_object OR unique_violation THEN NULL;
      WHEN insufficient_privilege THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege', MESSAGE = format(
          'the role ${role} is missing and %I may not create roles: let a superuser run CREATE ROLE ${role} NOLOGIN; GRANT ${role} TO %I', current_user, current_user);
    END;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = '${role}' AND (rolsuper OR rolbypassrls)) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_role_specification', MESSAGE =
      'the role ${role} bypasses row-level security: run ALTER ROLE ${role} NOSUPERUSER NOBYPASSRLS';
  END IF;
END $role$`;

// Without INHERIT (16 and later) the migrating role gains nothing outside a transaction that takes the role on purpose.
// Whoever may not grant it is told at the first transaction which GRANT is missing.
const joinRole = (role: string): string => `DO $role$
DECLARE
  modern CONSTANT boolean := current_setting('server_version_num')::int >= 160000;
BEGIN
  IF NOT pg_has_role(current_user, '${role}', CASE WHEN modern THEN 'SET' ELSE 'MEMBER' END) THEN
    EXECUTE format('GRANT ${role} TO %I', current_user) || CASE WHEN modern THEN ' WITH INHERIT FALSE, SET TRUE' ELSE '' END;
  END IF;
EXCEPTION
  WHEN insufficient_privilege OR unique_violation THEN NULL;
END $role$`;

const ROLES = [
  createRole('mad_organization'),
  createRole('mad_operator'),
  joinRole('mad_organization'),
  joinRole('mad_operator'),
  `DO $schema$
BEGIN
  IF NOT has_schema_privilege('mad_organization', current_schema(), 'USAGE') OR NOT has_schema_privilege('mad_operator', current_schema(), 'USAGE') THEN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO mad_organization, mad_operator', current_schema());
  END IF;
END $schema$`,
];

// After SET LOCAL has ended, the setting is '' and not null: a bare cast would fail.
const CURRENT = "nullif(current_setting('mad.org_id', true), '')::uuid";
const own = `org_id = ${CURRENT}`;
const ownOrSystem = `org_id IN (${CURRENT}, '${SYSTEM_ORG_ID}')`;

const ALL = 'SELECT, INSERT, UPDATE, DELETE';

interface OwnedTable {
  /** What mad_organization may do at all. */
  readonly grant: string;
  /** Rows of the organization: all that it may write. */
  readonly own: string;
  /** Rows it may read where these are more. */
  readonly read?: string;
}

// A sub-query on a parent sees the parent's rows through the parent's own policies: a child is never wider than its parent.
const OWNED_TABLES: Readonly<Record<string, OwnedTable>> = {
  organizations: { grant: 'SELECT', own },
  org_settings: { grant: ALL, own },
  org_databases: { grant: 'SELECT', own },
  roles: { grant: ALL, own, read: `${own} OR org_id IS NULL` },
  role_permissions: {
    grant: ALL,
    own: `EXISTS (SELECT FROM roles r WHERE r.role_id = role_permissions.role_id AND r.${own})`,
    read: 'EXISTS (SELECT FROM roles r WHERE r.role_id = role_permissions.role_id)',
  },
  memberships: { grant: ALL, own },
  // An organization's administrator cannot hand out a global role: reading is wider than writing.
  membership_roles: {
    grant: ALL,
    own: `${own} AND EXISTS (SELECT FROM roles r WHERE r.role_id = membership_roles.role_id AND r.${own})`,
    read: own,
  },
  tokens: { grant: ALL, own },
  audit_logs: { grant: 'SELECT, INSERT', own },
  task_definitions: { grant: ALL, own, read: ownOrSystem },
  task_services: {
    grant: ALL,
    own: `EXISTS (SELECT FROM task_definitions d WHERE d.task_definition_id = task_services.task_definition_id AND d.${own})`,
    read: 'EXISTS (SELECT FROM task_definitions d WHERE d.task_definition_id = task_services.task_definition_id)',
  },
  pipeline_templates: { grant: ALL, own, read: `${ownOrSystem} OR is_public` },
  pipeline_task_steps: {
    grant: ALL,
    own: `EXISTS (SELECT FROM pipeline_templates t WHERE t.template_id = pipeline_task_steps.template_id AND t.${own})`,
    read: 'EXISTS (SELECT FROM pipeline_templates t WHERE t.template_id = pipeline_task_steps.template_id)',
  },
  pipelines: { grant: ALL, own, read: `${ownOrSystem} OR visibility = 'public'` },
  pipeline_versions: {
    grant: ALL,
    own: `EXISTS (SELECT FROM pipelines p WHERE p.pipeline_id = pipeline_versions.pipeline_id AND p.${own})`,
    read: `EXISTS (SELECT FROM pipelines p WHERE p.pipeline_id = pipeline_versions.pipeline_id AND (p.${own} OR pipeline_versions.published))`,
  },
  molecules: { grant: ALL, own },
  artifacts: { grant: ALL, own },
  jobs_meta: { grant: ALL, own },
};

// The role is named again in each condition: a login that inherits it gains nothing by its root handle.
const isOrganization = "current_user = 'mad_organization'";
const isOperator = "current_user = 'mad_operator'";

const ownedTable = ([table, { grant, own: write, read = write }]: [string, OwnedTable]): string[] => [
  `ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY`,
  `ALTER TABLE ${table} FORCE ROW LEVEL SECURITY`,
  `CREATE POLICY mad_organization_read ON ${table} FOR SELECT TO mad_organization USING (${isOrganization} AND (${read}))`,
  `CREATE POLICY mad_organization_insert ON ${table} FOR INSERT TO mad_organization WITH CHECK (${isOrganization} AND (${write}))`,
  `CREATE POLICY mad_organization_update ON ${table} FOR UPDATE TO mad_organization USING (${isOrganization} AND (${write})) WITH CHECK (${isOrganization} AND (${write}))`,
  `CREATE POLICY mad_organization_delete ON ${table} FOR DELETE TO mad_organization USING (${isOrganization} AND (${write}))`,
  `CREATE POLICY mad_operator_all ON ${table} TO mad_operator USING (${isOperator}) WITH CHECK (${isOperator})`,
  `GRANT ${grant} ON ${table} TO mad_organization`,
  `GRANT ${table === 'audit_logs' ? 'SELECT, INSERT' : ALL} ON ${table} TO mad_operator`,
];

// No organization owns these: their owner sees them on the root handle. An organization sees its members, never a password hash.
const SHARED_TABLES = [
  'ALTER TABLE users ENABLE ROW LEVEL SECURITY',
  `CREATE POLICY mad_members ON users USING (NOT ${isOrganization} OR
    EXISTS (SELECT FROM memberships m WHERE m.user_id = users.user_id AND m.${own}))`,
  'GRANT SELECT (user_id, email, enabled, created_at) ON users TO mad_organization',
  `GRANT ${ALL} ON users, identity_providers, identities TO mad_operator`,
];

/** Two roles, and policies that hold for every login: superusers and owners take one of the roles for as long as a transaction lasts. */
export const rowLevelSecurity = sqlMigration([
  ...ROLES,
  ...Object.entries(OWNED_TABLES).flatMap(ownedTable),
  ...SHARED_TABLES,
]);
