import { z } from 'zod';
import { ValidationFailedError, type ValidationIssue } from '../errors.ts';
import { findByPointer, type JsonValue } from '../json.ts';
import { type BindingScope, findBound } from './bindings.ts';
import { ITEM_KEY } from './instance-name.ts';
import { pointer } from './pointer.ts';

/** More than this is a screening: many jobs, not one. */
const MAX_ITEMS = 10_000;
/** A list of thousands with one slip repeated is told once, not thousands of times. */
const MAX_ISSUES = 20;

export const forEachSchema = z.strictObject({
  items: z
    .strictObject({ from: pointer })
    .describe('Where the list is; each of its items makes one instance of the step'),
  key: z
    .string()
    .regex(/^(\/.*)?$/s, 'expected a JSON Pointer into an item, such as /id, or an empty text for the item itself')
    .optional()
    .describe('JSON Pointer inside an item to what names it; absent: its 0-based index'),
  concurrency: z.int().min(1).max(MAX_ITEMS).optional().describe('How many items run at a time at most'),
  onItemFailure: z
    .enum(['fail', 'skip'])
    .default('fail')
    .describe('fail: the step fails with the item; skip: the item is left out of the output'),
});

export type ForEach = z.output<typeof forEachSchema>;

/** One item of a fan-out. */
export interface StepItem {
  /** Unique among the items of the step; the instance is `dock[<key>]`. */
  readonly key: string;
  readonly value: JsonValue;
}

/**
 * The items of a fan-out in the order of their list, each with its key. A list without items is no error.
 * @throws {ValidationFailedError} when no list is there, it is too long, or a key is missing, malformed or used twice.
 */
export function expandItems(
  scope: BindingScope,
  forEach: Pick<ForEach, 'items' | 'key'>,
  step = 'forEach',
): readonly StepItem[] {
  const subject = `items of step ${step}`;
  const list = findBound(scope, forEach.items);
  if (!Array.isArray(list) || list.length > MAX_ITEMS) {
    const found = Array.isArray(list) ? `one of ${list.length}` : list === undefined ? 'nothing' : 'another value';
    const message = `expected a list of ${MAX_ITEMS} items at most at ${forEach.items.from}, found ${found}`;
    throw new ValidationFailedError({ subject, issues: [{ pointer: '', message }] });
  }
  const items = list.map((value: JsonValue, index) => ({ key: keyOf(value, { index, pointer: forEach.key }), value }));
  const issues = findKeyIssues(items, forEach.key ?? '');
  if (issues.length > 0) throw new ValidationFailedError({ subject, issues });
  return items;
}

function keyOf(item: JsonValue, { index, pointer: at }: { index: number; pointer: string | undefined }): string {
  if (at === undefined) return String(index);
  const key = findByPointer(item, at);
  return typeof key === 'string' || typeof key === 'number' ? String(key) : '';
}

function findKeyIssues(items: readonly StepItem[], at: string): ValidationIssue[] {
  const issues: ValidationIssue[] = [];
  const seen = new Map<string, number>();
  for (const [index, { key }] of items.entries()) {
    const first = seen.get(key);
    if (!ITEM_KEY.test(key))
      issues.push({ pointer: `/${index}${at}`, message: 'expected a key of 1 to 100 letters, digits, . _ or -' });
    else if (first !== undefined)
      issues.push({ pointer: `/${index}${at}`, message: `item ${first} has this key too; each item needs its own` });
    else seen.set(key, index);
    if (issues.length === MAX_ISSUES) break;
  }
  return issues;
}
