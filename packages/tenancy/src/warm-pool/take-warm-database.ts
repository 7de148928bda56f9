import type { OperatorTransaction, OrgId } from '@mad/core';
import { resultsDigest } from '../results-database/results-template.ts';

interface TakeWarmDatabase {
  readonly orgId: OrgId;
  readonly cluster: string;
}

/** Gives the organization a database of the pool, one that this version of the library made, and returns its name; undefined where the pool is empty. */
export async function takeWarmDatabase(
  tx: OperatorTransaction,
  { orgId, cluster }: TakeWarmDatabase,
): Promise<string | undefined> {
  const digest = await resultsDigest();
  const taken = await tx
    .updateTable('warm_databases')
    .set({ state: 'taken', org_id: orgId })
    .where('database_name', '=', (eb) =>
      eb
        .selectFrom('warm_databases')
        .select('database_name')
        .where('state', '=', 'ready')
        .where('cluster', '=', cluster)
        .where('schema_digest', '=', digest)
        .orderBy('database_name')
        .limit(1)
        .forUpdate()
        .skipLocked(),
    )
    .returning('database_name')
    .executeTakeFirst();
  return taken?.database_name;
}

/** The database that the organization has taken and that has no name of its own yet, where it was not brought to its end. */
export async function findTakenDatabase(
  tx: OperatorTransaction,
  { orgId }: { readonly orgId: OrgId },
): Promise<string | undefined> {
  const taken = await tx
    .selectFrom('warm_databases')
    .select('database_name')
    .where('org_id', '=', orgId)
    .executeTakeFirst();
  return taken?.database_name;
}
