import { expect, test } from 'vitest';
import { compileSchema } from '../../src/schema/compile-schema.ts';

test('issues name the place and what was expected there', () => {
  const schema = compileSchema({
    type: 'object',
    properties: { size: { type: 'number', exclusiveMinimum: 0 } },
    required: ['size', 'center'],
    additionalProperties: false,
  });
  expect(schema.check({ size: 0, colour: 'red' })).toEqual([
    { pointer: '', message: "must have required property 'center'" },
    { pointer: '', message: 'must NOT have additional properties: colour' },
    { pointer: '/size', message: 'must be > 0' },
  ]);
});

test('defaults fill absent properties of a copy, nested ones too', () => {
  const schema = compileSchema({
    type: 'object',
    properties: { a: { default: 8 }, b: { type: 'object', properties: { c: { default: 1 } }, default: {} } },
  });
  const given = { a: 5 };
  expect(schema.applyDefaults(given)).toEqual({ a: 5, b: { c: 1 } });
  expect(given).toEqual({ a: 5 });
});

test('NaN is no number and inherited names are no properties', () => {
  expect(compileSchema({ type: 'number' }).check(Number.NaN)).toHaveLength(1);
  expect(compileSchema({ type: 'object', required: ['toString'] }).check({})).toHaveLength(1);
});

test.each([
  [{ $async: true }, '$async'],
  [{ properties: { a: { const: { $data: '1/b' } } } }, '$data'],
  [{ $ref: 'https://example.org/schema.json' }, 'bundle the document first'],
  [JSON.parse('{"properties":{"__proto__":{"type":"string"}}}'), '__proto__'],
  [Array.from({ length: 200 }).reduce<object>((inner) => ({ items: inner }), {}), 'levels of nesting'],
  [{ type: 'nonsense' }, 'expected a JSON Schema'],
  [{ properties: { a: { pattern: '^(a+)+$' } } }, '/properties/a/pattern: this regular expression can backtrack'],
  [{ patternProperties: { '(x+x+)+y': {} } }, 'can backtrack'],
  [{ $ref: '#' }, 'Maximum call stack'],
  [{ allOf: [{ $ref: '#' }] }, 'Maximum call stack'],
])('a schema that reaches out or changes the rules is refused: %#', (schema, why) => {
  expect(() => compileSchema(schema)).toThrow(why);
});

test('a schema that the validator cannot run takes no value, and throws for none', () => {
  const list = { type: 'array', contains: { enum: [''] }, minContains: 0, maxContains: 0 };
  const a = { oneOf: [{}], if: { anyOf: [list], not: {} }, else: { type: 'object' }, unevaluatedItems: false };
  expect(compileSchema({ properties: { a } }).check({ a: [] })).toEqual([
    { pointer: '', message: expect.stringContaining('cannot be checked') },
  ]);
});
