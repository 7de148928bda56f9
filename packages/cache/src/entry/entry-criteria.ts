import { type EntryCriteria, type JsonObject, storableText, ValidationFailedError } from '@mad/core';
import { z } from 'zod';
import { between, name } from './request-forms.ts';

/** A time range: from inclusive, to exclusive; of the years 1 to 9999. */
export interface Between {
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
}

/** Which entries are withdrawn, joined by "and"; at least one criterion. Whole jobs with a step of the task or image are meant too. */
export interface WithdrawEntries {
  readonly cacheKey?: string | undefined;
  readonly taskKey?: string | undefined;
  /** Of the task. */
  readonly version?: string | undefined;
  /** Or engine version, where a task names no image. */
  readonly imageDigest?: string | undefined;
  /** Name of the service that answered; no whole job has one of its own. */
  readonly service?: string | undefined;
  /** When the entry was made. */
  readonly between?: Between | undefined;
  /** Why, at most 500 characters. */
  readonly reason?: string | undefined;
  /** True: tells what would leave service, and changes nothing. @default false */
  readonly dryRun?: boolean | undefined;
}

/** Without the reason. To be read strictly: a misspelled criterion that was passed over would mean more entries. */
export const criteriaForm = {
  cacheKey: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'expected 64 hex digits')
    .optional(),
  ...{ taskKey: name.optional(), version: name.optional(), imageDigest: name.optional(), service: name.optional() },
  ...{ between: between.optional(), dryRun: z.boolean().optional() },
};

/** Of a withdrawal. */
export const reasonForm = storableText(500);

/** At least one criterion: an empty set would mean every entry. @throws {ValidationFailedError} */
export function requireCriterion(request: WithdrawEntries): EntryCriteria {
  const { cacheKey, taskKey, version, imageDigest: producer, service, between: range } = request;
  const criteria = { cacheKey, taskKey, version, producer, service, from: range?.from, to: range?.to };
  if (Object.values(criteria).some((value) => value !== undefined)) return criteria;
  const message = 'expected at least one criterion; without one every entry would be meant';
  throw new ValidationFailedError({ subject: 'choice of entries', issues: [{ pointer: '', message }] });
}

/** As the audit trail keeps it. */
export function criteriaFacts(criteria: EntryCriteria): JsonObject {
  return JSON.parse(JSON.stringify(criteria));
}
