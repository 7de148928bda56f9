import { _, type CodeKeywordDefinition, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import ref from 'ajv/dist/vocabularies/core/ref.js';
import dynamicRef from 'ajv/dist/vocabularies/dynamic/dynamicRef.js';
import addFormats from 'ajv-formats';
import { type Budget, spend } from './budget.ts';
import type { JsonSchema } from './json-schema.ts';
import { compilePattern } from './linear-pattern.ts';
import { uniqueItems } from './unique-items.ts';

/** Thrown within a validation that would take too long; the schema and the value are the cause. */
export class TooCostlyError extends RangeError {
  constructor() {
    super('checking takes too many steps; make the schema or the value smaller');
  }
}

/** Steps of one validation, of which a test of a pattern takes about as many as the text has signs. A second, at worst. */
const STEPS = 20_000_000;
/** A reference is a call, and what it leads to may be long. */
const REFERENCE_STEPS = 20;
/** Instructions of all patterns of a schema: half a second to compile. */
const PATTERN_SIZES = 50_000;

/**
 * The validator's function for a schema. It takes a bounded number of steps, whatever the value.
 * The function throws a `TooCostlyError` where that is not enough.
 */
export function createValidator(
  schema: JsonSchema,
  options: { readonly useDefaults?: boolean } = {},
): (value: unknown) => ReturnType<typeof ask> {
  const budget: Budget = { left: STEPS };
  const ajv = createAjv(budget, options);
  const validate = ajv.compile(schema as object);
  return (value) => {
    budget.left = STEPS;
    return ask(validate, value);
  };
}

function ask(validate: ValidateFunction, value: unknown): NonNullable<ValidateFunction['errors']> {
  return validate(value) ? [] : (validate.errors ?? []);
}

function createAjv(budget: Budget, options: { readonly useDefaults?: boolean }): Ajv2020 {
  // strictNumbers refuses NaN; ownProperties keeps `required: ["constructor"]` honest.
  const ajv = new Ajv2020({
    strict: false,
    strictNumbers: true,
    ownProperties: true,
    allErrors: true,
    logger: false,
    validateFormats: true,
    code: { regExp: createRegExp(budget) },
    ...options,
  });
  (addFormats as unknown as (ajv: Ajv2020) => void)(ajv);
  ajv.removeKeyword('uniqueItems').addKeyword(uniqueItems);
  for (const definition of [definitionOf(ref), definitionOf(dynamicRef)])
    ajv.removeKeyword(String(definition.keyword)).addKeyword(withSteps(definition, budget));
  return ajv;
}

/** Of a CommonJS module, whose default export comes either way. */
const definitionOf = (module: unknown): CodeKeywordDefinition =>
  ((module as { default?: unknown }).default ?? module) as CodeKeywordDefinition;

/** The keyword as it is, with each evaluation paid: references that meet again and again make small schemas endless. */
function withSteps(definition: CodeKeywordDefinition, budget: Budget): CodeKeywordDefinition {
  const pay = (): void => take(budget, REFERENCE_STEPS);
  return {
    ...definition,
    code: (context, rule) => {
      const call = context.gen.scopeValue('func', { ref: pay });
      context.gen.code(_`${call}()`);
      definition.code(context, rule);
    },
  };
}

function createRegExp(budget: Budget) {
  const sizes: Budget = { left: PATTERN_SIZES };
  const counted = new Set<string>();
  const create = (pattern: string) => {
    const compiled = compilePattern(pattern);
    const size = counted.has(pattern) ? 0 : compiled.size;
    counted.add(pattern);
    if (!spend(sizes, size)) throw new SyntaxError('the regular expressions of this schema are too large together');
    return {
      test: (text: string): boolean => {
        take(budget, compiled.costOf(text));
        return compiled.test(text);
      },
      // By this the validator tells its expressions apart.
      toString: () => `linear:${pattern}`,
    };
  };
  return Object.assign(create, { code: 'linear' });
}

function take(budget: Budget, steps: number): void {
  if (!spend(budget, steps)) throw new TooCostlyError();
}
