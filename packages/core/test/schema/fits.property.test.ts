import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { JsonValue } from '../../src/json.ts';
import { fits } from '../../src/schema/fits.ts';
import { holds } from '../../src/schema/holds.ts';
import type { JsonSchema } from '../../src/schema/json-schema.ts';
import { listSamples } from '../../src/schema/sample-values.ts';
import { listCases } from '../../src/schema/schema-cases.ts';
import { alikeSchemas, anySchema, anyValue } from './arbitrary-schema.ts';

const numRuns = 100;

test('what fits takes every value the source holds for; a misfit shows one that it does not take', () => {
  const seen = { fits: 0, misfit: 0, unproven: 0 };
  fc.assert(
    fc.property(alikeSchemas, fc.array(anyValue, { minLength: 20, maxLength: 20 }), ([source, target], values) => {
      const [from, to] = [compile(source), compile(target)];
      const { verdict, issues } = fits(source, target);
      seen[verdict]++;
      if (verdict === 'fits')
        for (const value of [...values, ...samplesOf(source)])
          if (from(value)) expect(to(value), JSON.stringify(value)).toBe(true);
      if (verdict === 'misfit')
        for (const { witness = null } of issues) {
          expect(from(witness), JSON.stringify(witness)).toBe(true);
          expect(to(witness), JSON.stringify(witness)).not.toBe(true);
        }
    }),
    { numRuns },
  );
  expect(Math.min(seen.fits, seen.misfit), 'each verdict is met').toBeGreaterThan(numRuns / 50);
});

test('a value holds where the validator takes it', () => {
  fc.assert(
    fc.property(anySchema, fc.array(anyValue, { minLength: 20, maxLength: 20 }), (schema, values) => {
      const compiled = compile(schema);
      for (const value of [...values, ...samplesOf(schema)]) {
        const held = holds(schema, value, { root: schema, budget: { left: 100_000 } });
        if (held !== undefined) expect([held, undefined], JSON.stringify(value)).toContain(compiled(value));
      }
    }),
    { numRuns },
  );
});

function samplesOf(root: JsonSchema): readonly JsonValue[] {
  const budget = { left: 5_000 };
  return listCases(root, [root], budget).flatMap((one) => [...listSamples(one, { budget })].slice(0, 40));
}

// As compileSchema sets it up; one for all, since setting up takes longer than compiling.
const ajv = new Ajv2020({ strict: false, strictNumbers: true, ownProperties: true, logger: false, allErrors: true });
(addFormats as unknown as (ajv: Ajv2020) => void)(ajv);

/** Asks of a value; undefined where the schema refers to itself without end. */
function compile(schema: JsonSchema): (value: JsonValue) => boolean | undefined {
  const validate = ajv.compile(schema as object);
  // Compiled schemas are kept by their object; a run makes thousands.
  ajv.removeSchema(schema as object);
  return (value) => {
    try {
      return validate(value);
    } catch (error) {
      if (error instanceof RangeError) return undefined;
      // ajv sometimes writes code that names a variable it has not declared or not set; then it tells nothing of the value.
      if (error instanceof ReferenceError || error instanceof TypeError) fc.pre(false);
      throw error;
    }
  };
}
