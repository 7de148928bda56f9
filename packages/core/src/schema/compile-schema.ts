import type { ErrorObject } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import isSafePattern from 'safe-regex2';
import { ValidationFailedError, type ValidationIssue } from '../errors.ts';
import { isJsonObject, type JsonValue } from '../json.ts';
import type { JsonSchema } from './json-schema.ts';

/** A JSON Schema ready to be asked. */
export interface CompiledSchema {
  /** Every place where the value breaks the schema, none when it fits. */
  check(value: unknown): readonly ValidationIssue[];
  /** A copy of the value with the schema's defaults in place of absent properties. Does not check it. */
  applyDefaults<T extends JsonValue>(value: T): T;
}

const MAX_DEPTH = 64;
// ajv takes schemas for trusted code: these would change what validation means, or reach out of the document.
const REFUSED_KEYS = new Set(['$async', '$data', '__proto__', 'constructor', 'prototype']);

/**
 * Compiles a JSON Schema of dialect 2020-12. References may only point into the schema itself.
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

function compile(schema: JsonSchema): CompiledSchema {
  const check = createAjv({}).compile(schema as object);
  // A schema that is its own part never ends, whatever the value: asked once, it shows.
  check({});
  // Compiled on first use: most schemas are never asked for defaults.
  let fill: ((value: unknown) => unknown) | undefined;
  return {
    check: (value) => {
      try {
        return check(value) ? [] : (check.errors ?? []).map(toIssue);
      } catch (error) {
        if (error instanceof RangeError) return [{ pointer: '', message: 'this schema refers to itself without end' }];
        // For some entangled conditions ajv writes code that names a variable it has not declared.
        if (error instanceof ReferenceError)
          return [{ pointer: '', message: 'this schema cannot be checked; write its if, anyOf and contains apart' }];
        throw error;
      }
    },
    applyDefaults: (value) => {
      fill ??= createAjv({ useDefaults: true }).compile(schema as object);
      const copy = structuredClone(value);
      fill(copy);
      return copy;
    },
  };
}

function createAjv(options: { useDefaults?: boolean }): Ajv2020 {
  // strictNumbers refuses NaN; ownProperties keeps `required: ["constructor"]` honest.
  const ajv = new Ajv2020({
    strict: false,
    strictNumbers: true,
    ownProperties: true,
    allErrors: true,
    logger: false,
    validateFormats: true,
    ...options,
  });
  (addFormats as unknown as (ajv: Ajv2020) => void)(ajv);
  return ajv;
}

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
        if (key === 'pattern' && typeof item === 'string' && !isSafePattern(item)) return unsafe(at);
        if (key === 'patternProperties' && isJsonObject(item)) {
          const pattern = Object.keys(item).find((text) => !isSafePattern(text));
          if (pattern !== undefined) return unsafe(at);
        }
        stack.push({ value: item, pointer: at, depth: depth + 1 });
      }
    }
  }
  return undefined;
}

// One hostile value could hold the event loop for minutes, and with it the leases of every job of the process.
const unsafe = (pointer: string): ValidationIssue => ({
  pointer,
  message: 'this regular expression can backtrack without end; write it without a repetition inside a repetition',
});

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
  return { pointer: instancePath, message: `${message ?? keyword}${hint}` };
}
