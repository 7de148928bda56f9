import { expect, test } from 'vitest';
import { ValidationFailedError } from '../../src/errors.ts';
import type { JsonObject } from '../../src/json.ts';
import { compileSchema } from '../../src/schema/compile-schema.ts';

test('issues name the place and what was expected there', () => {
  const schema = compileSchema({
    type: 'object',
    properties: { size: { type: 'number', exclusiveMinimum: 0 } },
    required: ['size', 'center'],
    additionalProperties: false,
  });
  expect(schema.check({ size: 0, colour: 'red' })).toEqual([
    { pointer: '/center', message: "must have required property 'center'" },
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

test('so is one of which ajv writes code that sets what is not there', () => {
  const y = JSON.parse('{ "if": { "type": "number" }, "then": { "$ref": "#/$defs/y" } }');
  const { check } = compileSchema({ $ref: '#/$defs/y', patternProperties: { '^a': {} }, $defs: { y } });
  expect(check({ a: '' })).toEqual([{ pointer: '', message: expect.stringContaining('cannot be checked') }]);
});

test.each(['(?=a)b', '(?<!a)b', '(a)\\1', '(?<n>a)\\k<n>'])(
  'a pattern that takes backtracking is refused: %s',
  (pattern) => {
    expect(() => compileSchema({ pattern })).toThrow(ValidationFailedError);
    expect(() => compileSchema({ pattern })).toThrow('cannot be checked without backtracking');
  },
);

test.each(['^(a|a)*$', '^a*a*a*a*a*b$', '^(a|b|ab)*c$'])(
  'a text is held against %s in time linear to it',
  (pattern) => {
    const schema = compileSchema({ properties: { s: { pattern } } });
    expect(within(1_000, () => schema.check({ s: `${'a'.repeat(50_000)}!` }))).toHaveLength(1);
  },
);

test('patterns tell what was compiled apart, and those of properties are held alike', () => {
  const schema = compileSchema({
    properties: { a: { pattern: '^a+$' }, b: { pattern: '^b+$' } },
    patternProperties: { '^\\p{Script=Greek}$': { type: 'number' } },
  });
  expect(schema.check({ a: 'aa', b: 'bb', α: 1 })).toEqual([]);
  expect(schema.check({ a: 'b', b: 'a', α: 'x' }).map(({ pointer }) => pointer)).toEqual(['/a', '/b', '/α']);
});

const doubling = (levels: number, wrap: (inner: JsonObject) => JsonObject = (inner) => inner): JsonObject => ({
  $ref: '#/$defs/d0',
  $defs: Object.fromEntries([
    ...Array.from({ length: levels }, (_, level) => {
      const next = { $ref: `#/$defs/d${level + 1}` };
      return [`d${level}`, wrap({ allOf: [next, next] })];
    }),
    [`d${levels}`, { minProperties: 0 }],
  ]),
});

test.each<[string, JsonObject]>([
  ['in one place', doubling(40)],
  ['along a property', doubling(40, (inner) => ({ properties: { a: inner } }))],
  ['along items', doubling(40, (items) => ({ items }))],
])('references that multiply are refused before anything is checked: %s', (_where, schema) => {
  expect(() => within(1_000, () => compileSchema(schema))).toThrow(/its references come to \d+ evaluations/);
});

test('references that multiply a little, and models that refer to each other, are taken', () => {
  expect(compileSchema(doubling(10)).check({})).toEqual([]);
  const models = Array.from({ length: 60 }, (_, index) => `m${index}`);
  const $defs = Object.fromEntries(
    models.map((name) => [
      name,
      { type: 'object', properties: Object.fromEntries(models.map((other) => [other, { $ref: `#/$defs/${other}` }])) },
    ]),
  );
  expect(compileSchema({ $ref: '#/$defs/m0', $defs }).check({ m1: { m2: { m0: 1 } } })).toHaveLength(1);
});

test('a value that multiplies what a schema refers to within itself does not fit, and does not hold up the process', () => {
  const again = { properties: { a: { $ref: '#/$defs/d' } } };
  const schema = compileSchema({
    $ref: '#/$defs/d',
    $defs: { d: { allOf: [again, again], properties: { b: { default: 1 } } } },
  });
  let value: JsonObject = {};
  for (let level = 0; level < 60; level++) value = { a: value };
  expect(within(3_000, () => schema.check(value))).toEqual([
    { pointer: '', message: expect.stringContaining('too many steps') },
  ]);
  expect(() => schema.applyDefaults(value)).toThrow(ValidationFailedError);
  expect(schema.check({ a: { a: {} } })).toEqual([]);
});

test('unique items are told in time linear to the list, whatever the order of their keys', () => {
  const schema = compileSchema({ uniqueItems: true });
  const items = Array.from({ length: 20_000 }, (_, b) => ({ a: [1, { b }], c: 1 }));
  expect(within(1_500, () => schema.check(items))).toEqual([]);
  expect(schema.check([...items, { c: 1, a: [1, { b: 7 }] }])).toEqual([
    { pointer: '', message: expect.stringContaining('(items ## 7 and 20000 are identical)') },
  ]);
  expect(schema.check([1, '1', true, null, 'null'])).toEqual([]);
  expect(compileSchema({ uniqueItems: false }).check([1, 1])).toEqual([]);
});

function within<T>(ms: number, work: () => T): T {
  const start = performance.now();
  try {
    return work();
  } finally {
    expect(performance.now() - start).toBeLessThan(ms);
  }
}
