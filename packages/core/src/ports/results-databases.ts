import type { OrgId } from '../ids.ts';
import type { ResultsDatabase } from '../results/results-database.ts';

/** Routes an organization to its Results DB. Handles stay valid for as long as the router lives; connections are lent per query. */
export interface ResultsDatabases {
  /**
   * The Results DB of one organization, its stamp checked when it was opened. The same handle for as long as it lies at one place: what is shared between
   * jobs is shared by handle.
   * @throws {NotFoundError} when the organization has no Results DB. An implementation may throw its own error for one that is not active.
   */
  get(orgId: OrgId): Promise<ResultsDatabase>;
}
