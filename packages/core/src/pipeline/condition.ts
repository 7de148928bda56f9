import { z } from 'zod';
import { isJsonObject, type JsonValue } from '../json.ts';
import { findNotPlainJson } from '../plain-json.ts';
import { type BindingScope, findBound } from './bindings.ts';
import { pointer } from './pointer.ts';

/** Decides whether a step runs. Plain JSON, read against the values that are there when all the step waits for has ended. */
export type Condition =
  | { readonly from: string; readonly equals: JsonValue }
  | { readonly from: string; readonly in: readonly JsonValue[] }
  | { readonly from: string; readonly exists: boolean }
  | { readonly from: string; readonly above: number }
  | { readonly from: string; readonly below: number }
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] }
  | { readonly not: Condition };

/** Nesting beyond this is refused: no author writes it, and readers that recurse stay safe. */
const MAX_DEPTH = 16;
/** Conditions in one `when`, the inner ones counted. */
const MAX_CONDITIONS = 1_000;

const COMPARISONS = ['equals', 'in', 'exists', 'above', 'below'] as const;
const EXPECTED = 'expected { from } with one of equals, in, exists, above or below, or one of all, any or not';

const json = z.custom<JsonValue>((value) => value !== undefined && findNotPlainJson(value) === undefined, {
  error: 'expected plain JSON',
});

/** Every operator as an optional property, and a check that one stands alone: so an error names the very place, where a union could not. */
const form = z
  .strictObject({
    from: pointer.optional().describe('JSON Pointer to the value that is compared'),
    equals: json.optional().describe('Holds when the value is the same JSON; the order of keys does not matter'),
    in: z.array(json).min(1).max(1_000).optional().describe('Holds when the value equals one of these'),
    exists: z.boolean().optional().describe('true holds when something is there, null too; false when nothing is'),
    above: z.number().optional().describe('Holds when the value is a number greater than this'),
    below: z.number().optional().describe('Holds when the value is a number less than this'),
    get all(): z.ZodOptional<z.ZodArray<z.ZodType>> {
      return z.array(form).min(1).max(MAX_CONDITIONS).optional().describe('Holds when each of these holds');
    },
    get any(): z.ZodOptional<z.ZodArray<z.ZodType>> {
      return z.array(form).min(1).max(MAX_CONDITIONS).optional().describe('Holds when one of these holds');
    },
    get not(): z.ZodOptional<z.ZodType> {
      return form.optional().describe('Holds when this does not');
    },
  })
  .refine(isOneCondition, { error: EXPECTED })
  .meta({
    id: 'Condition',
    oneOf: [
      ...COMPARISONS.map((operator) => ({ required: ['from', operator] })),
      ...['all', 'any', 'not'].map((operator) => ({ required: [operator], not: { required: ['from'] } })),
    ],
  });

/**
 * The schema of `when`. Depth and number are bounded before anything recurses into the value. The recursion is kept out of zod's sight: it
 * would watch every object of a spec for cycles, which doubles the time of a large one.
 */
export const conditionSchema = z
  .custom<Condition>()
  .superRefine((value, context) => {
    const excess = findExcess(value);
    if (excess === undefined)
      for (const { path, message } of form.safeParse(value).error?.issues ?? [])
        context.addIssue({ code: 'custom', path, message });
    else context.addIssue({ code: 'custom', message: excess });
  })
  .meta({ $ref: '#/$defs/Condition' });

/** What `#/$defs/Condition` of the published JSON Schema leads to. */
export function conditionJsonSchema(): object {
  return z.toJSONSchema(form, { io: 'input', unrepresentable: 'any' }).$defs ?? {};
}

function isOneCondition(value: Readonly<Record<string, unknown>>): boolean {
  const present = Object.keys(value).filter((key) => value[key] !== undefined && key !== 'from');
  const [operator] = present;
  if (present.length !== 1 || operator === undefined) return false;
  return COMPARISONS.some((comparison) => comparison === operator) === (value.from !== undefined);
}

function findExcess(value: unknown): string | undefined {
  let level = [value];
  let count = 0;
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) return `expected conditions nested ${MAX_DEPTH} deep at most`;
    count += level.length;
    if (count > MAX_CONDITIONS) return `expected ${MAX_CONDITIONS} conditions at most`;
    level = level.flatMap((condition) => (isJsonObject(condition) ? innerOf(condition) : []));
  }
  return undefined;
}

function innerOf({ all, any, not }: Readonly<Record<string, unknown>>): unknown[] {
  return [...(Array.isArray(all) ? all : []), ...(Array.isArray(any) ? any : []), ...(not === undefined ? [] : [not])];
}

/** Every pointer that a condition reads, inner ones too. */
export function pointersOf(condition: Condition): string[] {
  if ('from' in condition) return [condition.from];
  if ('not' in condition) return pointersOf(condition.not);
  return ('all' in condition ? condition.all : condition.any).flatMap(pointersOf);
}

/** Whether the condition holds. What is absent at its source equals nothing, and is neither above nor below anything. */
export function isMet(condition: Condition, scope: BindingScope): boolean {
  if ('all' in condition) return condition.all.every((inner) => isMet(inner, scope));
  if ('any' in condition) return condition.any.some((inner) => isMet(inner, scope));
  if ('not' in condition) return !isMet(condition.not, scope);
  const value = findBound(scope, condition);
  if ('exists' in condition) return (value !== undefined) === condition.exists;
  if ('equals' in condition) return isSameJson(condition.equals, value);
  if ('in' in condition) return condition.in.some((wanted) => isSameJson(wanted, value));
  if ('above' in condition) return typeof value === 'number' && value > condition.above;
  return typeof value === 'number' && value < condition.below;
}

/** Goes no deeper than `wanted`, whose depth is bounded by the spec. */
function isSameJson(wanted: JsonValue, value: JsonValue | undefined): boolean {
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(value) && value.length === wanted.length && wanted.every((inner, i) => isSameJson(inner, value[i]))
    );
  }
  if (!isJsonObject(wanted)) return wanted === value;
  if (!isJsonObject(value)) return false;
  const keys = definedKeys(wanted);
  return (
    keys.length === definedKeys(value).length &&
    keys.every((key) => Object.hasOwn(value, key) && isSameJson(wanted[key] ?? null, value[key]))
  );
}

const definedKeys = (value: Readonly<Record<string, unknown>>): string[] =>
  Object.keys(value).filter((key) => value[key] !== undefined);
