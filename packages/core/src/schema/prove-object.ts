import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts';
import { type Doubt, doubt, type Frame, type Prover } from './doubt.ts';
import { holds, isUnreadOf } from './holds.ts';
import type { JsonSchema } from './json-schema.ts';
import { matchesPattern } from './matches-pattern.ts';
import { listSamples } from './sample-values.ts';
import { says } from './says.ts';
import {
  greatest,
  isClosed,
  kindsOfCase,
  least,
  namesProperties,
  propertyNamesOf,
  propertyPlace,
  requiredOf,
  type SchemaCase,
} from './schema-cases.ts';
import { additionalOf, listOf, patternsOf, propertiesOf, propertyOf, toSchema } from './subschemas-of.ts';

export function proveObject(one: SchemaCase, target: JsonObject, prover: Prover): readonly Doubt[] {
  if (!kindsOfCase(one).has('object')) return [];
  return [
    ...proveRequired(one, target, prover),
    ...proveNamed(one, target, prover),
    ...provePatterns(one, target, prover),
    ...proveAdditional(one, target, prover),
    ...proveCount(one, target, prover),
    ...proveNames(one, target, prover),
    ...proveDependent(one, target, prover),
    ...(isUnreadOf(target, 'object')
      ? [doubt(one, { target, message: 'unevaluatedProperties cannot be held against a schema' })]
      : []),
  ];
}

function proveRequired(one: SchemaCase, { required, ...rest }: JsonObject, { budget }: Prover): readonly Doubt[] {
  const given = requiredOf(one);
  // Where the source names no property at all, what it leaves out is not left out on purpose.
  const witnesses = namesProperties(one) ? () => listSamples(one, { budget }) : undefined;
  return listOf(required)
    .filter((name) => typeof name === 'string' && !given.has(name))
    .map((name) => {
      const comes = propertyPlace(one, String(name)).includes(false) ? 'never comes' : 'may be absent';
      return doubt(one, {
        target: { ...rest, required: required ?? [] },
        message: `${String(name)} ${comes} and is required`,
        witnesses,
      });
    });
}

/** Every property that either of them names, against all that is asked of it. */
function proveNamed(one: SchemaCase, target: JsonObject, prover: Prover): readonly Doubt[] {
  const names = new Set([...propertyNamesOf(one), ...Object.keys(propertiesOf(target))]);
  return [...names].flatMap((name) => {
    const place = propertyPlace(one, name);
    if (place.includes(false)) return [];
    const frame = frameOf(one, name);
    return listWanted(target, name).flatMap((wanted) => prover.prove(place, wanted, frame));
  });
}

/** What is asked of a property. Where a pattern is not tried, both what it asks and what is asked of others. */
function listWanted(target: JsonObject, name: string): readonly JsonSchema[] {
  const named = propertyOf(target, name);
  const patterns = patternsOf(target).map(([pattern, inner]) => ({ inner, matches: matchesPattern(pattern, name) }));
  const wanted = patterns.flatMap(({ inner, matches }) => (matches === false ? [] : [inner]));
  if (named !== undefined) return [named, ...wanted];
  const isAdditional = patterns.every(({ matches }) => matches !== true);
  return isAdditional ? [...wanted, additionalOf(target) ?? true] : wanted;
}

/** Properties that come by a pattern: they may match each pattern of the target, or none. */
function provePatterns(one: SchemaCase, target: JsonObject, prover: Prover): readonly Doubt[] {
  const wanted = patternsOf(target);
  const additional = additionalOf(target) ?? true;
  return one.parts.flatMap(patternsOf).flatMap(([pattern, given]) => {
    const frame = { ...frameOf(one, pattern), token: '*' };
    const isSame = wanted.some(([other]) => other === pattern);
    return [...wanted.map(([, inner]) => inner), ...(isSame ? [] : [additional])].flatMap((inner) =>
      prover.prove([given], inner, frame),
    );
  });
}

/** Properties that nothing names. */
function proveAdditional(one: SchemaCase, target: JsonObject, prover: Prover): readonly Doubt[] {
  if (isClosed(one)) return [];
  const place = one.parts.map((part) => additionalOf(part) ?? true);
  const frame = { ...frameOf(one, freshName([...one.parts, target])), token: '*' };
  return [...patternsOf(target).map(([, inner]) => inner), additionalOf(target) ?? true].flatMap((wanted) =>
    prover.prove(place, wanted, frame),
  );
}

function freshName(schemas: readonly JsonObject[]): string {
  let name = 'other';
  while (schemas.some((schema) => Object.hasOwn(propertiesOf(schema), name))) name += '_';
  return name;
}

function proveCount(one: SchemaCase, target: JsonObject, { budget }: Prover): readonly Doubt[] {
  const { minProperties, maxProperties } = target;
  const named = isClosed(one) && !one.parts.some(({ patternProperties }) => isJsonObject(patternProperties));
  const fewest = Math.max(greatest(one, 'minProperties', 0), requiredOf(one).size);
  const most = Math.min(least(one, 'maxProperties'), named ? propertyNamesOf(one).length : Infinity);
  const witnesses = namesProperties(one) ? () => listSamples(one, { budget }) : undefined;
  const doubts: Doubt[] = [];
  if (typeof minProperties === 'number' && fewest < minProperties)
    doubts.push(
      doubt(one, { target, message: `${fewest} properties come, at least ${minProperties} are taken`, witnesses }),
    );
  if (typeof maxProperties === 'number' && most > maxProperties) {
    const comes = Number.isFinite(most) ? `${most} properties come` : 'any number of properties comes';
    doubts.push(doubt(one, { target, message: `${comes}, at most ${maxProperties} are taken`, witnesses }));
  }
  return doubts;
}

function proveNames(one: SchemaCase, target: JsonObject, { targetRoot, budget }: Prover): readonly Doubt[] {
  const wanted = toSchema(target.propertyNames);
  if (wanted === undefined || wanted === true || says(one, 'propertyNames', target)) return [];
  const isListed = isClosed(one) && !one.parts.some(({ patternProperties }) => isJsonObject(patternProperties));
  const names = propertyNamesOf(one).filter((name) => !propertyPlace(one, name).includes(false));
  const within = { root: targetRoot, budget };
  if (isListed && names.every((name) => holds(wanted, name, within) === true)) return [];
  const message = 'a property comes whose name is not sure to be taken';
  const witnesses = namesProperties(one) ? () => listSamples(one, { budget }) : undefined;
  return [doubt(one, { target, message, witnesses })];
}

function proveDependent(one: SchemaCase, target: JsonObject, prover: Prover): readonly Doubt[] {
  const { dependentRequired, dependentSchemas } = target;
  const given = requiredOf(one);
  const mayCome = ([name]: readonly [string, JsonValue | undefined]): boolean =>
    !propertyPlace(one, name).includes(false);
  const doubts: Doubt[] = [];
  if (isJsonObject(dependentRequired) && !says(one, 'dependentRequired', target)) {
    const witnesses = namesProperties(one) ? () => listSamples(one, { budget: prover.budget }) : undefined;
    for (const [name, others] of Object.entries(dependentRequired).filter(mayCome)) {
      const missing = listOf(others).filter((other) => typeof other === 'string' && !given.has(other));
      const message = `where ${name} comes, ${missing.join(', ')} may be absent and is required`;
      if (missing.length > 0) doubts.push(doubt(one, { target, message, witnesses }));
    }
  }
  if (isJsonObject(dependentSchemas))
    // Held against every value, also those without the property: more than is asked, so what breaks it may still be taken.
    for (const entry of Object.entries(dependentSchemas).filter(mayCome))
      doubts.push(...prover.proveCase(one, toSchema(entry[1]) ?? true));
  return doubts;
}

function frameOf(around: SchemaCase, name: string): Frame {
  return { around, key: name, token: name.replaceAll('~', '~0').replaceAll('/', '~1') };
}
