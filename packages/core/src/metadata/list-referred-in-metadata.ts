import { sql } from 'kysely';
import type { OrganizationTransaction } from './metadata-database.ts';

/**
 * What in an organization's rows of the Metadata DB looks like the digest of an artifact: molecules, artifacts, schedules, templates and pipeline versions. More
 * than there are, never fewer. `since`: of molecules and artifacts only those that were added then or later.
 */
export async function listReferredInMetadata(
  tx: OrganizationTransaction,
  { since }: { readonly since?: Date | undefined } = {},
): Promise<readonly string[]> {
  const first = since ?? new Date(0);
  const file = sql<string>`concat_ws(' ', uri, checksum)`.as('text');
  const text = tx
    .selectFrom('molecules')
    .select(file)
    .where('created_at', '>=', first)
    .unionAll(tx.selectFrom('artifacts').select(file).where('created_at', '>=', first))
    .unionAll(tx.selectFrom('job_schedules').select(sql<string>`request::text`.as('text')))
    .unionAll(tx.selectFrom('pipeline_versions').select(sql<string>`spec::text`.as('text')))
    .unionAll(
      tx
        .selectFrom('pipeline_templates')
        .select(sql<string>`concat_ws(' ', workflow_definition::text, default_parameters::text)`.as('text')),
    );
  const rows = await tx
    .selectFrom(text.as('found'))
    .select(sql<string>`(regexp_matches(text, '[0-9a-f]{64}', 'g'))[1]`.as('digest'))
    .distinct()
    .execute();
  return rows.map(({ digest }) => digest);
}
