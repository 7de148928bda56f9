import type { JsonObject, JsonValue } from '../json.ts';
import { type Doubt, doubt, listWitnesses, type Prover } from './doubt.ts';
import { isDisjoint } from './is-disjoint.ts';
import type { JsonSchema } from './json-schema.ts';
import { resolveRef } from './resolve-ref.ts';
import { listSamplesNear } from './sample-values.ts';
import { says } from './says.ts';
import { type SchemaCase, splitKinds } from './schema-cases.ts';
import { schemasOf, toSchema } from './subschemas-of.ts';

/** The keywords that hand the same value on to other schemas. */
export function proveCombined(one: SchemaCase, target: JsonObject, prover: Prover): readonly Doubt[] {
  const { $ref, allOf, anyOf, oneOf } = target;
  return [
    ...($ref === undefined ? [] : proveReference(one, target, prover)),
    ...schemasOf(allOf).flatMap((inner) => prover.proveCase(one, inner)),
    ...(Array.isArray(anyOf) ? proveBranches(one, { target, branches: schemasOf(anyOf), isOne: false }, prover) : []),
    ...(Array.isArray(oneOf) ? proveBranches(one, { target, branches: schemasOf(oneOf), isOne: true }, prover) : []),
    ...proveNot(one, target, prover),
    ...proveCondition(one, target, prover),
    ...(target.$dynamicRef === undefined && target.$recursiveRef === undefined
      ? []
      : [doubt(one, { target, message: 'a dynamic reference is not followed' })]),
  ];
}

function proveReference(one: SchemaCase, target: JsonObject, prover: Prover): readonly Doubt[] {
  const referred = resolveRef(prover.targetRoot, target.$ref);
  if (referred === undefined) return [doubt(one, { target, message: `${String(target.$ref)} is not followed` })];
  return prover.proveCase(one, referred);
}

interface Branches {
  readonly target: JsonObject;
  readonly branches: readonly JsonSchema[];
  /** Exactly one must take the value. */
  readonly isOne: boolean;
}

function proveBranches(one: SchemaCase, of: Branches, prover: Prover): readonly Doubt[] {
  const possible = of.branches.filter((branch) => !isDisjoint(one, branch, prover));
  const [only] = possible;
  if (only !== undefined && possible.length === 1) return prover.proveCase(one, only);
  const tried: (readonly Doubt[])[] = [];
  if (!of.isOne) {
    for (const branch of possible) {
      const doubts = prover.proveCase(one, branch);
      if (doubts.length === 0) return [];
      tried.push(doubts);
    }
  }
  const split = splitKinds(one);
  if (split.length > 1) return split.flatMap((narrowed) => proveBranches(narrowed, of, prover));
  const [taken, keyword] = of.isOne ? ['exactly one', 'oneOf'] : ['one', 'anyOf'];
  const message = `what comes is not sure to be taken by ${taken} of ${of.branches.length} alternatives (${keyword})`;
  return [
    doubt(one, { target: of.target, message, witnesses: () => listTried(one, { target: of.target, tried }, prover) }),
  ];
}

/** What a single branch would not take may be what none takes. */
function* listTried(
  one: SchemaCase,
  { target, tried }: { readonly target: JsonSchema; readonly tried: readonly (readonly Doubt[])[] },
  { budget }: Prover,
): Generator<JsonValue> {
  yield* listSamplesNear(one, target, { budget });
  for (const doubts of tried) for (const told of doubts) yield* listWitnesses(told, budget);
}

function proveNot(one: SchemaCase, target: JsonObject, prover: Prover): readonly Doubt[] {
  const refused = toSchema(target.not);
  if (refused === undefined || says(one, 'not', target) || isDisjoint(one, refused, prover)) return [];
  const message = 'what comes is not sure to be none of what is refused (not)';
  return [doubt(one, { target, message, witnesses: () => listSamplesNear(one, refused, prover) })];
}

function proveCondition(one: SchemaCase, target: JsonObject, prover: Prover): readonly Doubt[] {
  const condition = toSchema(target.if);
  if (condition === undefined) return [];
  const isSaid = one.parts.some((part) =>
    ['if', 'then', 'else'].every((keyword) => says({ ...one, parts: [part] }, keyword, target)),
  );
  if (isSaid) return [];
  const [met, unmet] = [toSchema(target.then) ?? true, toSchema(target.else) ?? true];
  if (isDisjoint(one, condition, prover)) return prover.proveCase(one, unmet);
  if ([met, unmet].every((inner) => prover.proveCase(one, inner).length === 0)) return [];
  const message = 'what comes is not sure to be taken in both cases (if, then, else)';
  return [doubt(one, { target, message, witnesses: () => listSamplesNear(one, condition, prover) })];
}
