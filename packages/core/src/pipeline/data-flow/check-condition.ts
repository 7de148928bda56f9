import type { JsonValue } from '../../json.ts';
import { holds } from '../../schema/holds.ts';
import { kindsOfCase, listCases } from '../../schema/schema-cases.ts';
import type { Condition } from '../condition.ts';
import type { PipelineStep } from '../pipeline-spec.ts';
import type { FlowProof, Source } from './data-flow.ts';
import { findSource } from './find-source.ts';
import { prefix } from './hold-source.ts';

interface ConditionAt {
  readonly condition: Condition;
  /** JSON Pointer into the spec. */
  readonly pointer: string;
}

/** What a condition reads can be there, and can be what it is compared with: else the step would always or never run. */
export function checkCondition(proof: FlowProof, { condition, pointer }: ConditionAt, step: PipelineStep): void {
  if ('all' in condition || 'any' in condition) {
    const [key, inner] = 'all' in condition ? ['all', condition.all] : ['any', condition.any];
    inner.forEach((each, index) => {
      checkCondition(proof, { condition: each, pointer: `${pointer}/${key}/${index}` }, step);
    });
  } else if ('not' in condition) checkCondition(proof, { condition: condition.not, pointer: `${pointer}/not` }, step);
  else {
    const source = findSource(proof, condition.from);
    const message = source === undefined ? `nothing is at ${condition.from}` : findNever(condition, source);
    if (message !== undefined) proof.issues.push({ pointer, message: `${prefix(step.name)}${message}` });
  }
}

const STEPS = 1_000;

/** Why a comparison cannot ever hold. */
function findNever(
  condition: Exclude<Condition, { all: unknown } | { any: unknown } | { not: unknown }>,
  source: Source | 'unknown',
): string | undefined {
  if (source === 'unknown' || 'exists' in condition) return undefined;
  const { schema, root } = source;
  if ('above' in condition || 'below' in condition) {
    const kinds = listCases(root, [schema], { left: STEPS }).flatMap((one) => [...kindsOfCase(one)]);
    const isNumber = kinds.includes('integer') || kinds.includes('fraction');
    return isNumber ? undefined : `${condition.from} is never a number, above and below compare numbers`;
  }
  const wanted: readonly JsonValue[] = 'equals' in condition ? [condition.equals] : condition.in;
  const never = wanted.filter((value) => holds(schema, value, { root, budget: { left: STEPS } }) === false);
  return never.length === 0
    ? undefined
    : `${condition.from} is never ${never
        .map((value) => JSON.stringify(value))
        .join(' or ')
        .slice(0, 200)}`;
}
