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

/** Schemas compiled by one validator library's instance, whose first one takes ten times as long; each stays as long as one of its schemas. */
const SCHEMAS = 20;

/**
 * The validator's function for a schema. It takes a bounded number of steps, whatever the value.
 * The function throws a `TooCostlyError` where that is not enough.
 */
export function createValidator(
  schema: JsonSchema,
  { useDefaults = false }: { readonly useDefaults?: boolean } = {},
): (value: unknown) => ReturnType<typeof ask> {
  const { ajv, steps } = findCompiler(schema, useDefaults);
  const validate = compileIn(ajv, { schema, useDefaults });
  return (value) => {
    steps.left = STEPS;
    return ask(validate, value);
  };
}

function compileIn(
  ajv: Ajv2020,
  { schema, useDefaults }: { readonly schema: JsonSchema; readonly useDefaults: boolean },
): ValidateFunction {
  try {
    return ajv.compile(schema as object);
  } catch (error) {
    // Whatever it left behind is left with it.
    compilers.delete(useDefaults);
    throw error;
  }
}

function ask(validate: ValidateFunction, value: unknown): NonNullable<ValidateFunction['errors']> {
  return validate(value) ? [] : (validate.errors ?? []);
}

interface Compiler {
  readonly ajv: Ajv2020;
  /** Left to the validation that runs: one runs at a time. */
  readonly steps: Budget;
  /** Left to the patterns of the schema that is compiled. */
  readonly patterns: Budget;
  /** Compiled for the schema, with their sizes paid. */
  readonly paid: Set<string>;
  schemas: number;
}

const compilers = new Map<boolean, Compiler>();

function findCompiler(schema: JsonSchema, useDefaults: boolean): Compiler {
  // A name that a schema gives itself stays with the instance.
  const isNamed = /"\$(?:id|anchor|dynamicAnchor)":/.test(JSON.stringify(schema));
  const known = isNamed ? undefined : compilers.get(useDefaults);
  const compiler = known ?? createCompiler(useDefaults);
  compiler.patterns.left = PATTERN_SIZES;
  compiler.paid.clear();
  if (isNamed) return compiler;
  if (++compiler.schemas < SCHEMAS) compilers.set(useDefaults, compiler);
  else compilers.delete(useDefaults);
  return compiler;
}

function createCompiler(useDefaults: boolean): Compiler {
  const steps: Budget = { left: STEPS };
  const patterns: Budget = { left: PATTERN_SIZES };
  const paid = new Set<string>();
  // strictNumbers refuses NaN; ownProperties keeps `required: ["constructor"]` honest.
  const ajv = new Ajv2020({
    strict: false,
    strictNumbers: true,
    ownProperties: true,
    allErrors: true,
    logger: false,
    validateFormats: true,
    code: { regExp: createRegExp({ steps, patterns, paid }) },
    useDefaults,
  });
  (addFormats as unknown as (ajv: Ajv2020) => void)(ajv);
  ajv.removeKeyword('uniqueItems').addKeyword(uniqueItems);
  for (const definition of [definitionOf(ref), definitionOf(dynamicRef)])
    ajv.removeKeyword(String(definition.keyword)).addKeyword(withSteps(definition, steps));
  return { ajv, steps, patterns, paid, schemas: 0 };
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

function createRegExp({ steps, patterns, paid }: Pick<Compiler, 'steps' | 'patterns' | 'paid'>) {
  const create = (pattern: string) => {
    const compiled = compilePattern(pattern);
    const size = paid.has(pattern) ? 0 : compiled.size;
    paid.add(pattern);
    if (!spend(patterns, size)) throw new SyntaxError('the regular expressions of this schema are too large together');
    return {
      test: (text: string): boolean => {
        take(steps, compiled.costOf(text));
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
