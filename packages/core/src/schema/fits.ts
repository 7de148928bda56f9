import { type JsonValue, sortedJson } from '../json.ts';
import type { Budget } from './budget.ts';
import { type Doubt, findWitness, pointerOf } from './doubt.ts';
import type { JsonSchema } from './json-schema.ts';
import { proveFit } from './prove-fit.ts';
import { isTooDeep } from './resolve-ref.ts';

export interface Fit {
  readonly verdict: 'fits' | 'misfit' | 'unproven';
  /** Empty where it fits; where it is a misfit, the places that are proven not to fit. */
  readonly issues: readonly FitIssue[];
}

export interface FitIssue {
  /** JSON Pointer into the value, `''` for the whole; `*` is any item or any property that has no name. */
  readonly pointer: string;
  readonly message: string;
  /** What both say of that place. */
  readonly source: JsonSchema;
  readonly target: JsonSchema;
  /** Of a misfit: a value that the source holds for and the target does not. Absent where the kind of file is the matter. */
  readonly witness?: JsonValue | undefined;
}

export interface FitsOptions {
  /** What references of the source point into. @default the source */
  readonly sourceRoot?: JsonSchema | undefined;
  /** What references of the target point into. @default the target */
  readonly targetRoot?: JsonSchema | undefined;
  /** Steps to take at most, also shared by several questions. @default 20 000 */
  readonly budget?: Budget | undefined;
}

const STEPS = 20_000;

/**
 * Whether every value that `source` holds for is one that `target` holds for, as the validator of this library decides it. `fits` is a proof, `misfit`
 * comes with a value that shows it; whatever cannot be decided, or not within the budget, is `unproven`. A place of which the source says nothing is
 * unproven too: silence promises nothing and rules nothing out. Kinds of files are compared besides: a file fits one of its media type. Never throws.
 */
export function fits(source: JsonSchema, target: JsonSchema, options: FitsOptions = {}): Fit {
  const { sourceRoot = source, targetRoot = target, budget = { left: STEPS } } = options;
  const roots = [source, sourceRoot, target, targetRoot];
  if (roots.some(isTooDeep)) return unread(source, target);
  if (sortedJson(source) === sortedJson(target) && isSame(sourceRoot, targetRoot))
    return { verdict: 'fits', issues: [] };
  const steps = Math.min(STEPS, Math.max(0, budget.left));
  const proving = { left: steps };
  const doubts = proveFit({ source, target, sourceRoot, targetRoot, budget: proving });
  const trying = { left: steps };
  const of = { source: { schema: source, root: sourceRoot }, target: { schema: target, root: targetRoot } };
  const misfits = doubts.flatMap((told) => {
    const witness = findWitness(told, of, trying);
    if (witness === undefined) return [];
    // Where the kind of file is the matter, no text of it tells anything.
    return [told.isCertain ? toIssue(told) : { ...toIssue(told), witness }];
  });
  budget.left -= 2 * steps - Math.max(0, proving.left) - Math.max(0, trying.left);
  if (misfits.length > 0) return { verdict: 'misfit', issues: misfits };
  return doubts.length > 0 ? { verdict: 'unproven', issues: doubts.map(toIssue) } : { verdict: 'fits', issues: [] };
}

const isSame = (one: JsonSchema, other: JsonSchema): boolean => one === other || sortedJson(one) === sortedJson(other);

const toIssue = (told: Doubt): FitIssue => {
  const { message, source, target } = told;
  return { pointer: pointerOf(told), message, source, target };
};

function unread(source: JsonSchema, target: JsonSchema): Fit {
  const message = 'these schemas are nested too deep to hold against each other';
  return { verdict: 'unproven', issues: [{ pointer: '', message, source, target }] };
}
