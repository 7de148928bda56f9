import { ValidationFailedError } from '../errors.ts';
import { rowId, SYSTEM_ORG_ID } from '../ids.ts';
import { type OrganizationTransaction, organizationOf } from '../metadata/metadata-database.ts';

interface Offered {
  readonly taskDefinitionIds: readonly string[];
  readonly subject: string;
  /** The property of the request that offers them to everybody. */
  readonly pointer: string;
}

/** Refuses to offer to everybody what runs on tasks that only this organization sees. @throws {ValidationFailedError} naming them. */
export async function refuseOwnTasks(
  tx: OrganizationTransaction,
  { taskDefinitionIds, subject, pointer }: Offered,
): Promise<void> {
  const orgId = organizationOf(tx);
  if (orgId === SYSTEM_ORG_ID || taskDefinitionIds.length === 0) return;
  const own = await tx
    .selectFrom('task_definitions')
    .select(['task_id', 'version'])
    .where('org_id', '=', orgId)
    .where('task_definition_id', 'in', [...new Set(taskDefinitionIds.map(rowId))])
    .execute();
  if (own.length === 0) return;
  const labels = own.map(({ task_id, version }) => `${task_id}@${version}`).join(', ');
  const message = `public needs tasks of the system only, and other organizations do not see ${labels}`;
  throw new ValidationFailedError({ subject, issues: [{ pointer, message }] });
}
