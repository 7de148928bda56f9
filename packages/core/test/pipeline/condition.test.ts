import { expect, test } from 'vitest';
import type { JsonValue } from '../../src/json.ts';
import { type Condition, conditionSchema, isMet, pointersOf } from '../../src/pipeline/condition.ts';

const scope = {
  inputs: {},
  parameters: { engine: 'vina', box: { size: 20, center: [1, 2] }, none: null, rescore: true, count: 0 },
  steps: { dock: { output: { affinity: -8.5 } } },
};
const met = (condition: Condition) => isMet(condition, scope);
const at = (key: string) => ({ from: `/parameters/${key}` });
const messageOf = (value: unknown) => conditionSchema.safeParse(value).error?.issues[0]?.message;

test.each<[Condition, boolean]>([
  [{ ...at('engine'), equals: 'vina' }, true],
  [{ ...at('engine'), equals: 'gnina' }, false],
  [{ ...at('box'), equals: { center: [1, 2], size: 20 } }, true],
  [{ ...at('box'), equals: { center: [2, 1], size: 20 } }, false],
  [{ ...at('box'), equals: { size: 20 } }, false],
  [{ ...at('count'), equals: false }, false],
  [{ ...at('none'), equals: null }, true],
  [{ ...at('absent'), equals: null }, false],
  [{ ...at('engine'), in: ['gnina', 'vina'] }, true],
  [{ ...at('absent'), in: ['gnina', null] }, false],
  [{ ...at('none'), exists: true }, true],
  [{ ...at('absent'), exists: true }, false],
  [{ ...at('absent'), exists: false }, true],
  [{ from: '/steps/dock/output/affinity', below: -8 }, true],
  [{ from: '/steps/dock/output/affinity', below: -8.5 }, false],
  [{ from: '/steps/dock/output/affinity', above: -9 }, true],
  [{ ...at('engine'), above: 0 }, false],
  [{ ...at('none'), below: 1 }, false],
  [{ ...at('absent'), below: 1 }, false],
  [{ not: { ...at('absent'), below: 1 } }, true],
  [
    {
      all: [
        { ...at('rescore'), equals: true },
        { ...at('engine'), equals: 'gnina' },
      ],
    },
    false,
  ],
  [
    {
      any: [
        { ...at('rescore'), equals: true },
        { ...at('engine'), equals: 'gnina' },
      ],
    },
    true,
  ],
])('%j is met: %s', (condition, expected) => {
  expect(conditionSchema.parse(condition)).toStrictEqual(condition);
  expect(met(condition)).toBe(expected);
});

test('a property that another value only inherits does not make the two equal', () => {
  const wanted: JsonValue = JSON.parse('{"__proto__":{}}');
  expect(isMet({ ...at('box'), equals: wanted }, { ...scope, parameters: { box: { size: 1 } } })).toBe(false);
});

test('every pointer of a condition is known, inner ones too', () => {
  const condition: Condition = {
    all: [{ any: [{ ...at('a'), exists: true }, { not: { ...at('b'), above: 1 } }] }, { ...at('c'), equals: 1 }],
  };
  expect(pointersOf(condition)).toEqual(['/parameters/a', '/parameters/b', '/parameters/c']);
});

test.each<[unknown, RegExp]>([
  [at('a'), /with one of equals, in, exists, above or below/],
  [{ equals: 1 }, /with one of equals/],
  [{ ...at('a'), equals: 1, above: 2 }, /with one of equals/],
  [{ ...at('a'), all: [{ ...at('a'), exists: true }] }, /with one of equals/],
  [{ ...at('a'), above: '3' }, /expected number/],
  [{ ...at('a'), equals: 1n }, /plain JSON/],
  [{ ...at('a'), like: 'x' }, /Unrecognized key: "like"/],
  [{ from: '/item/a', exists: true }, /expected a JSON Pointer/],
  [{ all: [] }, /Too small/],
  ['always', /expected object/],
])('%o is refused', (value, message) => {
  expect(messageOf(value)).toMatch(message);
});

test('an error tells the place inside', () => {
  const { error } = conditionSchema.safeParse({
    all: [{ ...at('a'), exists: true }, { not: { from: 'a', exists: 1 } }],
  });
  expect(error?.issues.map(({ path }) => path.join('/'))).toEqual(['all/1/not/from', 'all/1/not/exists']);
});

test('conditions are nested 16 deep at most, whatever is sent', () => {
  const nested = (depth: number) => {
    let condition: Condition = { ...at('a'), exists: false };
    for (let i = 1; i < depth; i++) condition = { not: condition };
    return condition;
  };
  expect(met(conditionSchema.parse(nested(16)))).toBe(false);
  expect(messageOf(nested(17))).toMatch(/nested 16 deep at most/);
  expect(messageOf(nested(200_000))).toMatch(/nested 16 deep at most/);
  const wide = { any: Array.from({ length: 2 }, () => ({ all: Array.from({ length: 600 }, () => nested(1)) })) };
  expect(messageOf(wide)).toMatch(/1000 conditions at most/);
  let deep: unknown = 1;
  for (let i = 0; i < 100_000; i++) deep = [deep];
  expect(messageOf({ ...at('a'), equals: deep })).toMatch(/plain JSON/);
});
