import type { OrgDatabaseRow } from '@mad/core';
import { OrganizationStateError } from '../errors.ts';

/** For a call that is to begin while something else is done with the Results DB, or was left half-way. */
export function notReady({ org_id: orgId, transition, state }: OrgDatabaseRow, to: 'move' | 'offboard') {
  return transition === null
    ? new OrganizationStateError({ orgId, state, hint: `${to} it when its Results DB is ready` })
    : new OrganizationStateError({
        orgId,
        state: `in its ${transition}`,
        hint: 'bring that to its end by its own call first',
      });
}
