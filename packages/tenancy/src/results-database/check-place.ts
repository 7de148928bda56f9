import { checkResultsStamp, type ResultsDatabase, stampResults } from '@mad/core';
import { sql } from 'kysely';
import { placeResultsDatabase, type ResultsDatabasePlace } from './results-database-place.ts';

/**
 * Makes sure that what is open is the organization's own. A copy of the template has no stamp: who opens it first stamps it, where the server itself
 * says that it is the database whose name is the organization's id.
 * @throws {ResultsDatabaseMismatchError}
 */
export async function checkPlace(results: ResultsDatabase, place: ResultsDatabasePlace): Promise<void> {
  const { database = null } = placeResultsDatabase(place);
  const found = await results
    .selectNoFrom((eb) => [
      sql<boolean>`current_database() = ${database}::text`.as('isNamedForIt'),
      eb.exists(eb.selectFrom('results_database').select('org_id')).as('isStamped'),
    ])
    .executeTakeFirst();
  if (found?.isNamedForIt && !found.isStamped) await stampResults(results, place);
  else await checkResultsStamp(results, place);
}
