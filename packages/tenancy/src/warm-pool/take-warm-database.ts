import type { OperatorTransaction, OrgId } from '@mad/core';
import { resultsDigest } from '../results-database/results-template.ts';

/** Takes a database out of the cluster's pool, one that this version of the library made; returns whose it is, undefined where the pool is empty. */
export async function takeWarmDatabase(
  tx: OperatorTransaction,
  { cluster }: { readonly cluster: string },
): Promise<OrgId | undefined> {
  const digest = await resultsDigest();
  const taken = await tx
    .deleteFrom('warm_databases')
    .where('org_id', '=', (eb) =>
      eb
        .selectFrom('warm_databases')
        .select('org_id')
        .where('state', '=', 'ready')
        .where('cluster', '=', cluster)
        .where('schema_digest', '=', digest)
        .orderBy('org_id')
        .limit(1)
        .forUpdate()
        .skipLocked(),
    )
    .returning('org_id')
    .executeTakeFirst();
  return taken?.org_id;
}
