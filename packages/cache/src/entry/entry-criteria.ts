import { type EntryCriteria, type JsonObject, ValidationFailedError } from '@mad/core';

/** A time range: from inclusive, to exclusive. */
export interface Between {
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
}

/** At least one criterion, each of its kind: an empty set would mean every entry. @throws {ValidationFailedError} */
export function checkCriteria(criteria: EntryCriteria): EntryCriteria {
  const given = Object.entries(criteria).filter(([, value]) => value !== undefined);
  if (given.length === 0) refuse('', 'expected at least one criterion; without one every entry would be meant');
  for (const [name, value] of given) {
    if (name === 'from' || name === 'to') {
      if (!(value instanceof Date) || Number.isNaN(value.getTime())) refuse(`/between/${name}`, 'expected a Date');
    } else if (typeof value !== 'string' || value === '' || value.includes('\0') || !value.isWellFormed())
      refuse(`/${name}`, 'expected text');
  }
  return criteria;
}

/** As the audit trail keeps it. */
export function criteriaFacts(criteria: EntryCriteria): JsonObject {
  return JSON.parse(JSON.stringify(criteria));
}

function refuse(pointer: string, message: string): never {
  throw new ValidationFailedError({ subject: 'choice of entries', issues: [{ pointer, message }] });
}
