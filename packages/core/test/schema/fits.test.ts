import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/json.ts';
import { fits } from '../../src/schema/fits.ts';
import type { JsonSchema } from '../../src/schema/json-schema.ts';

const object = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
  ...more,
});
const file = (contentMediaType: string): JsonObject => ({ type: 'string', contentMediaType });
const number = { type: 'number' };
const integer = { type: 'integer' };
const text = { type: 'string' };

/** A list whose nodes are lists of the same, by reference. */
const tree = (value: JsonSchema): JsonObject => ({
  $ref: '#/$defs/node',
  $defs: { node: object({ value, children: { type: 'array', items: { $ref: '#/$defs/node' } } }) },
});

type Pair = readonly [what: string, source: JsonSchema, target: JsonSchema];

const fitting: readonly Pair[] = [
  ['an integer, a number', integer, number],
  ['a type, the same and null', text, { type: ['string', 'null'] }],
  ['nullable on both sides', { type: 'string', nullable: true }, { anyOf: [text, { type: 'null' }] }],
  ['fewer listed values', { enum: ['a', 'b'] }, { enum: ['b', 'c', 'a'] }],
  ['listed values, a form they all have', { enum: ['ab', 'ac'] }, { type: 'string', pattern: '^a', maxLength: 2 }],
  ['listed values that a limit leaves', { enum: [1, 5, 9], maximum: 5 }, { enum: [1, 5] }],
  ['a small range, its values', { type: 'integer', minimum: 1, maximum: 3 }, { enum: [1, 2, 3] }],
  ['a narrower range', { ...number, minimum: 1, maximum: 2 }, { ...number, minimum: 0, maximum: 2 }],
  ['what is above 0, what is at least 0', { ...number, exclusiveMinimum: 0 }, { ...number, minimum: 0 }],
  ['whole numbers from 1, what is above 0', { ...integer, minimum: 1 }, { ...number, exclusiveMinimum: 0 }],
  ['multiples of 6, multiples of 3', { ...integer, multipleOf: 6 }, { ...number, multipleOf: 3 }],
  ['multiples of 2, integers', { ...number, multipleOf: 2 }, integer],
  ['a shorter text', { ...text, minLength: 2, maxLength: 3 }, { ...text, minLength: 1, maxLength: 5 }],
  ['the same pattern and format', { ...text, pattern: '^a', format: 'date' }, { pattern: '^a', format: 'date' }],
  ['limits of other types', text, { type: 'string', minimum: 5, minItems: 1, required: ['a'] }],
  ['items that fit', { type: 'array', items: integer, minItems: 2 }, { type: 'array', items: number, minItems: 1 }],
  [
    'a tuple, a list',
    { type: 'array', prefixItems: [integer, number], items: false },
    { type: 'array', items: number },
  ],
  ['distinct items', { type: 'array', uniqueItems: true, maxItems: 3 }, { type: 'array', uniqueItems: true }],
  ['one item at most is distinct', { type: 'array', maxItems: 1 }, { uniqueItems: true }],
  ['properties that fit', object({ a: integer, b: text }), object({ a: number, b: text })],
  ['a property that need not be there', object({ a: integer }), object({ a: integer, b: text }, { required: ['a'] })],
  ['other properties of a form', object({}, { additionalProperties: integer }), { additionalProperties: number }],
  ['names by pattern', object({}, { patternProperties: { '^x': integer } }), { patternProperties: { '^x': number } }],
  [
    'a name that the pattern covers',
    object({ xa: integer }),
    { patternProperties: { '^x': number }, additionalProperties: false },
  ],
  ['names that are listed', object({ a: integer, b: integer }), { propertyNames: { enum: ['a', 'b', 'c'] } }],
  ['required by another that is required', object({ a: integer, b: text }), { dependentRequired: { a: ['b'] } }],
  [
    'both of allOf',
    { allOf: [{ ...number, minimum: 0 }, { maximum: 5 }] },
    { type: 'number', minimum: -1, maximum: 9 },
  ],
  ['each of anyOf', { anyOf: [integer, text] }, { anyOf: [text, { type: 'boolean' }, number] }],
  [
    'one of oneOf',
    object({ kind: { const: 'a' } }),
    { oneOf: [object({ kind: { const: 'b' } }), object({ kind: { const: 'a' } })] },
  ],
  ['none of not', text, { not: number }],
  [
    'another than not',
    object({ kind: { const: 'a' } }),
    { not: { properties: { kind: { const: 'b' } }, required: ['kind'] } },
  ],
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  ['both branches of a condition', integer, { if: { minimum: 5 }, then: number, else: { type: 'integer' } }],
  ['a tree of integers, a tree of numbers', tree(integer), tree(number)],
  ['anything', object({ a: text }), {}],
  ['nothing at all', false, text],
  ['what is said in words that are not understood', { $dynamicRef: '#x' }, { $dynamicRef: '#x' }],
  ['a file of the same kind', file('chemical/x-pdb'), file('Chemical/X-PDB')],
  ['a file where any is taken', file('chemical/x-pdb'), { type: 'string', format: 'binary' }],
  ['an image where images are taken', file('image/png'), file('image/*')],
  ['a file or null', { type: ['string', 'null'], contentMediaType: 'a/b' }, { anyOf: [file('a/b'), { type: 'null' }] }],
  ['a file where anything is taken', file('chemical/x-pdb'), {}],
];

const misfitting: readonly (readonly [...Pair, pointer: string, message: string])[] = [
  ['a text, a number', text, number, '', 'string comes, number is taken'],
  ['a number, an integer', number, integer, '', 'number comes, integer is taken'],
  ['null where none is taken', { type: ['string', 'null'] }, text, '', 'null comes, string is taken'],
  ['any text, listed ones', text, { enum: ['a', 'b'] }, '', 'any string comes, only listed values are taken'],
  ['another constant', { const: 'c' }, { enum: ['a', 'b'] }, '', '"c" comes, which is not taken'],
  ['a wider range', number, { ...number, minimum: 0 }, '', 'a number comes, minimum 0 is taken'],
  ['the limit itself', { ...number, maximum: 5 }, { exclusiveMaximum: 5 }, '', 'exclusiveMaximum 5 is taken'],
  ['another divisor', { ...integer, multipleOf: 4 }, { multipleOf: 3 }, '', 'multipleOf 3 is taken'],
  ['a longer text', text, { maxLength: 5 }, '', 'text of any length comes, at most 5 are taken'],
  ['an empty text', text, { minLength: 1 }, '', 'text of 0 characters comes, at least 1 are taken'],
  ['a text of any form', text, { pattern: '^[a-z]+$' }, '', 'not sure to match'],
  ['no date', text, { format: 'date' }, '', 'format date'],
  ['other items', { type: 'array', items: text }, { items: number }, '/*', 'string comes, number is taken'],
  ['a shorter list', { type: 'array', items: text }, { minItems: 1 }, '', 'a list of 0 items comes'],
  ['a longer list', { type: 'array', items: text }, { maxItems: 2 }, '', 'at most 2 are taken'],
  ['equal items', { type: 'array', items: text }, { uniqueItems: true }, '', 'equal items'],
  [
    'a position of a tuple',
    { type: 'array', prefixItems: [text], minItems: 1 },
    { prefixItems: [number] },
    '/0',
    'string comes',
  ],
  [
    'a property that may be absent',
    object({ a: text }, { required: [] }),
    { required: ['a'] },
    '',
    'a may be absent and is required',
  ],
  ['a property that never comes', object({}), { required: ['a'] }, '', 'a never comes and is required'],
  [
    'a property of another type',
    object({ a: object({ b: text }) }),
    object({ a: object({ b: number }) }),
    '/a/b',
    'string comes',
  ],
  ['a property that is not taken', object({ a: text, b: text }), object({ a: text }), '/b', 'nothing is taken'],
  ['a pointer that is escaped', object({ 'a/~b': text }), object({ 'a/~b': number }), '/a~1~0b', 'string comes'],
  ['one of anyOf', { anyOf: [text, number] }, text, '', 'number comes, string is taken'],
  ['no branch', { ...number }, { anyOf: [{ minimum: 10 }, { maximum: -10 }] }, '', 'one of 2 alternatives'],
  ['two branches of oneOf', integer, { oneOf: [integer, number] }, '', 'exactly one of 2 alternatives'],
  ['what is refused', number, { not: { minimum: 5 } }, '', 'not sure to be none of what is refused'],
  ['deep in a tree', tree(number), tree(integer), '/value', 'number comes, integer is taken'],
  [
    'a file of another kind',
    file('chemical/x-pdb'),
    file('chemical/x-pdbqt'),
    '',
    'a file of chemical/x-pdb comes, chemical/x-pdbqt is taken',
  ],
  ['a file where text is taken', file('text/plain'), text, '', 'a file of text/plain comes, text is taken'],
];

const undecided: readonly Pair[] = [
  ['a schema that says nothing', {}, number],
  ['items of which nothing is said', { type: 'array' }, { items: number }],
  [
    'other properties of which nothing is said',
    { type: 'object', properties: { a: text }, required: ['a'] },
    object({ a: text }),
  ],
  ['an object of which nothing is said', { type: 'object' }, { required: ['a'] }],
  ['a pattern that could take for ever', { ...text, minLength: 1 }, { pattern: '^(a+)+$' }],
  ['a format that nothing checks', text, { format: 'smiles' }],
  ['a text of no declared kind', text, file('chemical/x-pdb')],
  ['bytes', file('application/octet-stream'), file('chemical/x-pdb')],
  ['a media type with other parameters', file('text/plain;charset=utf-8'), file('text/plain;charset=latin1')],
  ['the text of a file', file('chemical/x-pdb'), { ...file('chemical/x-pdb'), minLength: 1 }],
  ['a reference that leads nowhere', text, { $ref: '#/$defs/none' }],
  [
    'a schema that refers to itself without end',
    text,
    { $ref: '#/$defs/x', $defs: { x: { anyOf: [{ $ref: '#/$defs/x' }] } } },
  ],
  [
    'what is left unevaluated',
    object({ a: text }, { unevaluatedProperties: false }),
    { allOf: [{ properties: { a: text } }], unevaluatedProperties: false },
  ],
];

test.each(fitting)('fits: %s', (_what, source, target) => {
  expect(fits(source, target)).toEqual({ verdict: 'fits', issues: [] });
});

test.for(misfitting)('misfit: %s', ([_what, source, target, pointer, message]) => {
  const { verdict, issues } = fits(source, target);
  expect(verdict).toBe('misfit');
  expect(issues[0]?.pointer).toBe(pointer);
  expect(issues[0]?.message).toContain(message);
});

test.each(undecided)('unproven: %s', (_what, source, target) => {
  const { verdict, issues } = fits(source, target);
  expect(verdict).toBe('unproven');
  expect(issues[0]?.message).not.toBe('');
});

test('an issue shows what both say of the place, and a value that is not taken', () => {
  const limited = { type: 'number', maximum: 10 };
  const { issues } = fits(object({ a: { type: 'number', minimum: 0 }, b: text }), object({ a: limited, b: text }));
  expect(issues).toEqual([
    {
      pointer: '/a',
      message: 'a number from 0 comes, maximum 10 is taken',
      source: { type: 'number', minimum: 0 },
      target: limited,
      witness: { a: 11, b: '' },
    },
  ]);
});

test('references point into the roots they are given', () => {
  const sourceRoot = { $defs: { x: integer } };
  const targetRoot = { $defs: { x: text } };
  const ref = { $ref: '#/$defs/x' };
  expect(fits(ref, ref, { sourceRoot, targetRoot }).verdict).toBe('misfit');
  expect(fits(ref, ref, { sourceRoot, targetRoot: sourceRoot }).verdict).toBe('fits');
});

describe('hostile schemas', () => {
  const nested = (depth: number): JsonObject =>
    Array.from({ length: depth }).reduce<JsonObject>((items) => ({ type: 'array', items }), { type: 'string' });
  const bomb = (leaf: JsonObject): JsonObject => {
    const $defs = Object.fromEntries(
      Array.from({ length: 40 }, (_, level) => {
        const next = level === 39 ? leaf : { $ref: `#/$defs/l${level + 1}` };
        return [`l${level}`, { anyOf: [object({ a: next, b: next }), object({ a: next, c: next })] }];
      }),
    );
    return { $ref: '#/$defs/l0', $defs };
  };
  const alternatives = (type: string): JsonObject => ({
    allOf: Array.from({ length: 30 }, (_, index) => ({
      anyOf: [
        { type, minimum: index },
        { type, maximum: -index },
      ],
    })),
  });
  test.each<Pair>([
    ['100,000 levels', nested(100_000), nested(99_999)],
    ['120 levels', nested(120), nested(119)],
    ['references that double at every level', bomb(integer), bomb(text)],
    ['2^30 ways through alternatives', alternatives('integer'), alternatives('number')],
    [
      'a thousand names each',
      object(Object.fromEntries(Array.from({ length: 3_000 }, (_, i) => [`p${i}`, text]))),
      object({ a: text }),
    ],
    ['a text of 2^53 characters', { ...text, minLength: 2 ** 53 }, { maxLength: 1 }],
    ['a list of 10^9 items', { type: 'array', minItems: 1e9, items: text }, { items: number }],
    ['a pattern that backtracks', { ...text, pattern: '^(a|a)*$', minLength: 50 }, { pattern: '(x+x+)+y' }],
  ])('%s end soon', (_what, source, target) => {
    expect(['unproven', 'misfit']).toContain(fits(source, target).verdict);
  });

  test('a budget is shared by several questions', () => {
    const budget = { left: 3 };
    const [source, target] = [
      object({ a: object({ b: object({ c: text }) }) }),
      object({ a: object({ b: object({ c: number }) }) }),
    ];
    expect(fits(source, target, { budget }).verdict).toBe('unproven');
    expect(budget.left).toBeLessThan(3);
    expect(fits(source, target).verdict).toBe('misfit');
  });
});
