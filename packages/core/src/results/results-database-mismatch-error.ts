import { MadError } from '../errors.ts';
import type { OrgId } from '../ids.ts';

/** Thrown when a Results DB is wired to an organization it was not made for. Nothing was read from it; mend the routing. */
export class ResultsDatabaseMismatchError extends MadError {
  static override readonly code = 'MAD_CORE_RESULTS_DATABASE_MISMATCH';
  constructor({ expected, found }: { expected: OrgId; found: OrgId | undefined }) {
    const what =
      found === undefined
        ? 'carries no stamp; migrate it with its orgId'
        : `is stamped for organization ${found}; mend the routing`;
    super({
      message: `the results database of organization ${expected} ${what}`,
      details: { expected, found: found ?? null },
    });
  }
}
