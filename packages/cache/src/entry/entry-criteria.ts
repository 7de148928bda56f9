import { type EntryCriteria, type JsonObject, ValidationFailedError } from '@mad/core';

/** A time range: from inclusive, to exclusive; of the years 1 to 9999. */
export interface Between {
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
}

/** At least one criterion: an empty set would mean every entry. @throws {ValidationFailedError} */
export function requireCriterion(criteria: EntryCriteria): EntryCriteria {
  if (Object.values(criteria).some((value) => value !== undefined)) return criteria;
  const message = 'expected at least one criterion; without one every entry would be meant';
  throw new ValidationFailedError({ subject: 'choice of entries', issues: [{ pointer: '', message }] });
}

/** As the audit trail keeps it. */
export function criteriaFacts(criteria: EntryCriteria): JsonObject {
  return JSON.parse(JSON.stringify(criteria));
}
