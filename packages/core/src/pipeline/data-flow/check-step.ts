import type { JsonSchema } from '../../schema/json-schema.ts';
import { listCases, requiredOf } from '../../schema/schema-cases.ts';
import { withDefaultsOptional } from '../../schema/with-defaults.ts';
import { checkCondition } from './check-condition.ts';
import { checkItems } from './check-items.ts';
import { checkLiterals } from './check-literals.ts';
import { type Demands, type FlowProof, remember } from './data-flow.ts';
import { findSource } from './find-source.ts';
import { holdSource, prefix } from './hold-source.ts';
import { escapeToken, findProperty, labelOf, type StepAt } from './step-at.ts';

/** All that flows into a step. */
export function checkStep(proof: FlowProof, at: StepAt): void {
  const { step, pointer } = at;
  if (step.when) checkCondition(proof, { condition: step.when, pointer: `${pointer}/when` }, step);
  checkItems(proof, at);
  const sourced = new Set(Object.keys(step.parameters));
  for (const property of Object.keys(step.inputs)) if (checkBinding(proof, at, property)) sourced.add(property);
  checkLiterals(proof, at);
  checkRequired(proof, at, sourced);
}

/** True where the property is always there, or nothing says that it may not be. */
function checkBinding(proof: FlowProof, { step, task, pointer: outer }: StepAt, property: string): boolean {
  const from = step.inputs[property]?.from ?? '';
  const name = labelOf(task);
  const pointer = `${outer}/inputs/${escapeToken(property)}`;
  const issue = (message: string) => void proof.issues.push({ pointer, message: `${prefix(step.name)}${message}` });
  const request = withDefaultsOptional(task.requestSchema);
  const source = findSource(proof, from, step);
  const target = findProperty(proof, request, property);
  if (source === undefined) issue(`nothing is at ${from}`);
  if (target === undefined) issue(`${name} takes no ${property}`);
  if (typeof source === 'object' && typeof target === 'object')
    holdSource(
      proof,
      { source, target: { schema: target.schema, root: request } },
      { step: step.name, pointer, from, taker: `${property} of ${name}` },
    );
  else if (source !== undefined && target !== undefined) {
    const silent =
      source === 'unknown' ? `no schema tells what is at ${from}` : `${name} does not tell what ${property} is`;
    proof.unproven.push({ step: step.name, pointer, message: silent });
  }
  return typeof source !== 'object' || source.always;
}

function checkRequired(proof: FlowProof, { step, task, pointer }: StepAt, sourced: ReadonlySet<string>): void {
  const { required, keywords } = remember(proof.demands, task.requestSchema, () => findDemands(task.requestSchema));
  for (const property of required.filter((name) => !sourced.has(name))) {
    const message = `${labelOf(task)} requires ${property}, which may be absent here; bind it to a value that is always there`;
    proof.issues.push({ pointer: `${pointer}/inputs`, message: `${prefix(step.name)}${message}` });
  }
  if (keywords.length === 0) return;
  const message = `${labelOf(task)} also asks something of its request as a whole (${keywords.join(', ')})`;
  proof.unproven.push({ step: step.name, pointer, message });
}

function findDemands(requestSchema: JsonSchema): Demands {
  const request = withDefaultsOptional(requestSchema);
  const cases = listCases(request, [request], { left: 1_000 });
  const [first, ...others] = cases.map(requiredOf);
  const keywords = new Set(cases.flatMap(({ parts }) => parts.flatMap((part) => WHOLE.filter((key) => key in part))));
  return {
    required: [...(first ?? [])].filter((name) => others.every((names) => names.has(name))),
    keywords: [...keywords],
  };
}

/** Keywords that tie properties of a request together, so that one by one they do not prove it. */
const WHOLE = [
  ...['anyOf', 'oneOf', 'not', 'if', 'const', 'enum', 'minProperties', 'maxProperties', 'propertyNames'],
  ...['dependentRequired', 'dependentSchemas', 'dependencies', 'unevaluatedProperties', '$dynamicRef'],
];
