import type { ErrorObject } from 'ajv';
import isSafePattern from 'safe-regex2';
import { ValidationFailedError, type ValidationIssue } from '../errors.ts';
import { isJsonObject, type JsonValue } from '../json.ts';
import { copyValue } from './copy-value.ts';
import { countEvaluations } from './count-evaluations.ts';
import { createValidator, TooCostlyError } from './create-validator.ts';
import type { JsonSchema } from './json-schema.ts';
import { compilePattern } from './linear-pattern.ts';

/** A JSON Schema ready to be asked. */
export interface CompiledSchema {
  /** Every place where the value breaks the schema, none when it fits. Takes a second at most: a value that would take longer does not fit. */
  check(value: unknown): readonly ValidationIssue[];
  /**
   * A copy of the value with the schema's defaults in place of absent properties. Does not check it.
   * @throws {ValidationFailedError} when that would take longer than checking may
   */
  applyDefaults<T extends JsonValue>(value: T): T;
}

const MAX_DEPTH = 64;
// ajv takes schemas for trusted code: these would change what validation means, or reach out of the document.
const REFUSED_KEYS = new Set(['$async', '$data', '__proto__', 'constructor', 'prototype']);

/**
 * Compiles a JSON Schema of dialect 2020-12. References may only point into the schema itself.
 * Regular expressions are those of ECMAScript without look-around and back-references, which are checked without backtracking.
 * @throws {ValidationFailedError} when it is not a schema this library accepts; `subject` names it in the message.
 */
export function compileSchema(
  schema: JsonSchema,
  { subject = 'JSON Schema' }: { readonly subject?: string } = {},
): CompiledSchema {
  const refused = findRefused(schema);
  if (refused) throw new ValidationFailedError({ subject, issues: [refused] });
  const text = JSON.stringify(schema);
  const known = compiled.get(text);
  if (known) return known;
  try {
    const fresh = compile(schema);
    compiled.set(text, fresh);
    const [oldest] = compiled.keys();
    if (compiled.size > MAX_COMPILED && oldest !== undefined) compiled.delete(oldest);
    return fresh;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new ValidationFailedError({
      subject,
      issues: [{ pointer: '', message: `expected a JSON Schema of dialect 2020-12: ${message}` }],
    });
  }
}

// Compiling takes 20–60 ms, and every submission of a pipeline asks for the same two schemas.
const MAX_COMPILED = 200;
const compiled = new Map<string, CompiledSchema>();

// References that lead to the same schema again and again multiply: no schema that means something comes near.
const MAX_EVALUATIONS = 100_000;

function compile(schema: JsonSchema): CompiledSchema {
  const evaluations = countEvaluations(schema);
  if (evaluations > MAX_EVALUATIONS)
    throw new RangeError(
      `its references come to ${evaluations} evaluations of one place, expected ${MAX_EVALUATIONS} at most`,
    );
  const check = createValidator(schema);
  // A schema that is its own part never ends, whatever the value: asked once, it shows.
  check({});
  const hasDefaults = JSON.stringify(schema).includes('"default":');
  // Compiled on first use: most schemas are never asked for defaults.
  let fill: ((value: unknown) => unknown) | undefined;
  return {
    check: (value) => {
      try {
        return check(value).map(toIssue);
      } catch (error) {
        return [{ pointer: '', message: explain(error) }];
      }
    },
    applyDefaults: (value) => {
      const copy = copyValue(value);
      if (!hasDefaults) return copy;
      fill ??= createValidator(schema, { useDefaults: true });
      try {
        fill(copy);
      } catch (error) {
        throw new ValidationFailedError({ subject: 'value', issues: [{ pointer: '', message: explain(error) }] });
      }
      return copy;
    },
  };
}

/** Why the validator could not come to an answer; throws what is no matter of the schema or the value. */
function explain(error: unknown): string {
  if (error instanceof TooCostlyError) return error.message;
  if (error instanceof RangeError) return 'this schema refers to itself without end';
  // For some entangled conditions ajv writes code that names a variable it has not declared, or that nothing was put into.
  if (error instanceof ReferenceError || isUnset(error))
    return 'this schema cannot be checked; write its if, anyOf and contains apart';
  throw error;
}

const isUnset = (error: unknown): boolean =>
  error instanceof TypeError && error.message.startsWith('Cannot set properties of undefined');

function findRefused(schema: JsonValue | undefined): ValidationIssue | undefined {
  // A stack of our own: hostile nesting must not overflow the call stack.
  const stack: { value: JsonValue | undefined; pointer: string; depth: number }[] = [
    { value: schema, pointer: '', depth: 0 },
  ];
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { value, pointer, depth } = next;
    if (depth > MAX_DEPTH) return { pointer, message: `expected at most ${MAX_DEPTH} levels of nesting` };
    if (Array.isArray(value))
      value.forEach(
        (item, index) => void stack.push({ value: item, pointer: `${pointer}/${index}`, depth: depth + 1 }),
      );
    else if (isJsonObject(value)) {
      for (const [key, item] of Object.entries(value)) {
        const at = `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
        if (REFUSED_KEYS.has(key)) return { pointer: at, message: `the key ${key} is not accepted` };
        if (key === '$ref' && typeof item === 'string' && !item.startsWith('#')) {
          return { pointer: at, message: 'expected a reference into this schema (#/…); bundle the document first' };
        }
        if (key === 'pattern' && typeof item === 'string' && !isSafePattern(item)) return unsafe(at, item);
        if (key === 'patternProperties' && isJsonObject(item)) {
          const pattern = Object.keys(item).find((text) => !isSafePattern(text));
          if (pattern !== undefined) return unsafe(at, pattern);
        }
        stack.push({ value: item, pointer: at, depth: depth + 1 });
      }
    }
  }
  return undefined;
}

// The linear engine would take some of these. They stay refused: whoever reads the schema elsewhere may have an engine that backtracks.
function unsafe(pointer: string, pattern: string): ValidationIssue {
  try {
    compilePattern(pattern);
  } catch (error) {
    if (error instanceof SyntaxError) return { pointer, message: error.message };
    throw error;
  }
  return {
    pointer,
    message: 'this regular expression can backtrack without end; write it without a repetition inside a repetition',
  };
}

function toIssue({ instancePath, keyword, message, params }: ErrorObject): ValidationIssue {
  const facts = params as Record<string, unknown>;
  const hint =
    keyword === 'additionalProperties' || keyword === 'unevaluatedProperties'
      ? `: ${String(facts.additionalProperty ?? facts.unevaluatedProperty)}`
      : keyword === 'enum'
        ? `: ${JSON.stringify(facts.allowedValues)}`
        : keyword === 'const'
          ? `: ${JSON.stringify(facts.allowedValue)}`
          : '';
  // Of what is missing the place is where it would be.
  const missing =
    keyword === 'required' && typeof facts.missingProperty === 'string' ? facts.missingProperty : undefined;
  const pointer = missing === undefined ? instancePath : `${instancePath}/${toToken(missing)}`;
  return { pointer, message: `${message ?? keyword}${hint}` };
}

const toToken = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');
