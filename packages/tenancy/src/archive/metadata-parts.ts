import { type RawBuilder, sql } from 'kysely';
import type { RowText } from '../results-database/read-rows.ts';

/** A table of the Metadata DB as archives hold it. */
export interface MetadataPart {
  readonly table: string;
  /** The rows of the transaction's organization, named `r`: `from roles r where …`. */
  readonly from: (orgId: string) => RawBuilder<unknown>;
  /** True where a row has the organization's id. */
  readonly isOwned: boolean;
  /** The column that names a user: another platform knows the same person by another id. */
  readonly user?: string | undefined;
  /** Set anew for the platform that it is restored to. */
  readonly anew?: readonly string[] | undefined;
}

const own = (table: string, { user, anew }: { user?: string; anew?: readonly string[] } = {}): MetadataPart => ({
  table,
  from: (orgId) => sql`from ${sql.id(table)} r where r.org_id = ${sql.lit(orgId)}`,
  isOwned: true,
  user,
  anew,
});

/** A table whose rows belong to the organization through a parent's. */
const child = (table: string, parent: string, key: string): MetadataPart => ({
  table,
  from: (orgId) => sql`from ${sql.id(table)} r where r.${sql.id(key)} in
    (select p.${sql.id(key)} from ${sql.id(parent)} p where p.org_id = ${sql.lit(orgId)})`,
  isOwned: false,
  user: table === 'pipeline_versions' ? 'created_by' : undefined,
});

/**
 * What of the Metadata DB is restored, parents before children. Not in an archive: tokens and invitations, whose secrets stay here, instances of
 * services, slots and grants of global roles, which belong to the platform.
 */
export const METADATA_PARTS: readonly MetadataPart[] = [
  // Where its files are is a matter of each platform.
  own('org_settings', { anew: ['storage_bucket', 'storage_prefix'] }),
  own('roles'),
  child('role_permissions', 'roles', 'role_id'),
  own('memberships', { user: 'user_id' }),
  {
    table: 'membership_roles',
    from: (orgId) => sql`from membership_roles r where r.org_id = ${sql.lit(orgId)}
      and r.role_id in (select p.role_id from roles p where p.org_id = ${sql.lit(orgId)})`,
    isOwned: true,
    user: 'user_id',
  },
  own('task_definitions', { user: 'created_by' }),
  // Whom its templates are shown to is decided anew.
  own('pipeline_templates', { user: 'created_by', anew: ['is_public'] }),
  child('pipeline_task_steps', 'pipeline_templates', 'template_id'),
  own('pipelines', { user: 'created_by' }),
  child('pipeline_versions', 'pipelines', 'pipeline_id'),
  own('molecules', { user: 'created_by' }),
  own('artifacts', { user: 'created_by' }),
  own('jobs_meta', { user: 'submitted_by' }),
  own('job_schedules', { user: 'created_by' }),
];

/** The people of the organization, by e-mail. */
export const MEMBERS = 'members';
/** What was done in it: to be read, never restored, because an audit trail is only added to. */
export const AUDIT_LOGS = 'audit_logs';

/** A query for `readRows` over all that an archive holds of the Metadata DB. One statement: everything is as it was at one moment. */
export function selectMetadata(orgId: string): RawBuilder<RowText> {
  const rows = METADATA_PARTS.map(({ table, from }) =>
    table === 'pipeline_task_steps'
      ? // A template's steps name each other: they come together.
        sql`select 'pipeline_task_steps'::text as part, json_agg(row_to_json(r))::text as line ${from(orgId)} group by r.template_id`
      : sql`select ${sql.lit(table)}::text as part, row_to_json(r)::text as line ${from(orgId)}`,
  );
  const members = sql`select ${sql.lit(MEMBERS)}::text as part,
    json_build_object('user_id', u.user_id, 'email', u.email::text, 'enabled', u.enabled)::text as line
    from users u join memberships m on m.user_id = u.user_id where m.org_id = ${sql.lit(orgId)}`;
  const audit = sql`select ${sql.lit(AUDIT_LOGS)}::text as part, row_to_json(r)::text as line from audit_logs r where r.org_id = ${sql.lit(orgId)}`;
  return sql`${sql.join([members, ...rows, audit], sql` union all `)}`;
}
