import { ResultsDatabaseMismatchError } from '../errors.ts';
import type { OrgId } from '../ids.ts';
import type { ResultsDatabase } from './results-database.ts';

/**
 * Makes sure that this database is the organization's own. To be called whenever a pool to it is opened.
 * @throws {ResultsDatabaseMismatchError} when it is stamped for another organization, or for none.
 */
export async function checkResultsStamp(db: ResultsDatabase, { orgId }: { orgId: OrgId }): Promise<void> {
  const stamp = await db.selectFrom('results_database').select('org_id').executeTakeFirst();
  if (stamp?.org_id !== orgId.toLowerCase())
    throw new ResultsDatabaseMismatchError({ expected: orgId, found: stamp?.org_id });
}

/**
 * Stamps a database that has no stamp yet, and checks the one it has.
 * @throws {ResultsDatabaseMismatchError} when it is stamped for another organization.
 */
export async function stampResults(db: ResultsDatabase, { orgId }: { orgId: OrgId }): Promise<void> {
  await db
    .insertInto('results_database')
    .values({ org_id: orgId })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await checkResultsStamp(db, { orgId });
}
