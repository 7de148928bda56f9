import { isUuid } from '@mad/core';
import { CommandUsageError } from '../errors.ts';

const DAY_MS = 86_400_000;
const UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: DAY_MS };
/** On one page of what the library lists. */
const MOST_LISTED = 500;
const UNITS_BYTES: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** A key of the cache, or how one begins, in lower case. @throws {CommandUsageError} */
export function parseKey(text: string): string {
  if (/^[0-9a-f]{8,64}$/i.test(text)) return text.toLowerCase();
  throw refuse('KEY', 'a key of the cache as mad cache list shows it, or its first 8 hexadecimal digits or more', text);
}

/** A number from 0 to 1. @throws {CommandUsageError} */
export function parseShare(option: string, text: string): number {
  if (/^(0(\.\d+)?|1(\.0+)?)$/.test(text)) return Number(text);
  throw refuse(option, 'a number from 0 to 1, such as 0.6', text);
}

/** A job's id. @throws {CommandUsageError} */
export function parseJobId(option: string, text: string): string {
  if (isUuid(text)) return text.toLowerCase();
  throw refuse(option, 'the uuid of a job', text);
}

/** A time with its offset. @throws {CommandUsageError} */
export function parseTime(option: string, text: string): Date {
  const date = new Date(text);
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d.*(Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(date.getTime())) return date;
  throw refuse(option, 'a time with its offset, such as 2030-01-31T08:00:00Z', text);
}

/** Milliseconds of `90s`, `15m`, `24h` or `30d`; with `maxDays` more than nothing and no more than these. @throws {CommandUsageError} */
export function parseDuration(option: string, text: string, { maxDays }: { readonly maxDays?: number } = {}): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text) ?? [];
  const ms = Number(number || Number.NaN) * (UNITS_MS[unit] ?? Number.NaN);
  const isIn = maxDays === undefined || (ms > 0 && ms <= maxDays * DAY_MS);
  if (isIn && Number.isSafeInteger(Math.ceil(ms))) return Math.ceil(ms);
  const limit = maxDays === undefined ? '' : `, at most ${maxDays}d`;
  throw refuse(option, `a duration such as 90s, 15m, 24h or 30d${limit}`, text);
}

/** Bytes of `500M`, `20G` or a plain number. @throws {CommandUsageError} */
export function parseBytes(option: string, text: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)([KMGT]?)$/.exec(text) ?? [];
  const bytes = Math.floor(Number(number || Number.NaN) * (UNITS_BYTES[unit] ?? Number.NaN));
  if (Number.isSafeInteger(bytes)) return bytes;
  throw refuse(option, 'bytes, such as 500M, 20G or 1T', text);
}

/** @throws {CommandUsageError} */
export function parseCount(option: string, text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw refuse(option, 'a whole number of 1 or more', text);
}

/** A limit, or `none`, which the caller looks for before. @throws {CommandUsageError} */
export function parseAmount(option: string, text: string, { isWhole }: { readonly isWhole: boolean }): number {
  if ((isWhole ? /^\d{1,15}$/ : /^\d{1,12}(\.\d{1,6})?$/).test(text)) return Number(text);
  throw refuse(option, `a ${isWhole ? 'whole number' : 'number'} of 0 or more, or none`, text);
}

/** How many of a list. @throws {CommandUsageError} */
export function parseLimit(text: string): number {
  if (/^[1-9]\d{0,2}$/.test(text) && Number(text) <= MOST_LISTED) return Number(text);
  throw refuse('--limit', `a whole number from 1 to ${MOST_LISTED}`, text);
}

/** One of some words. @throws {CommandUsageError} */
export function parseWord<Word extends string>(option: string, text: string, words: readonly Word[]): Word {
  const found = words.find((word) => word === text);
  if (found !== undefined) return found;
  throw refuse(option, `one of ${words.join(', ')}`, text);
}

function refuse(option: string, expected: string, text: string): CommandUsageError {
  return new CommandUsageError({ option, expected, got: JSON.stringify(text) });
}
