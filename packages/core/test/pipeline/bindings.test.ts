import { expect, test } from 'vitest';
import type { JsonObject } from '../../src/json.ts';
import { type BindingScope, bindRequest, findBound } from '../../src/pipeline/bindings.ts';

const outputs: Record<string, JsonObject> = {};
const scope: BindingScope = { inputs: { receptor: { $artifact: 'a1' } }, parameters: { size: 20 }, steps: outputs };

test('own parameters stand, bindings win over them, and what is absent at its source is absent', () => {
  const request = bindRequest(scope, {
    parameters: { size: 10, num_modes: 9 },
    inputs: {
      size: { from: '/parameters/size' },
      receptor: { from: '/inputs/receptor' },
      ligand: { from: '/steps/prepare/output/ligand' },
    },
  });
  expect(request).toStrictEqual({ size: 20, num_modes: 9, receptor: { $artifact: 'a1' } });
});

test('an output that is added to the scope is found from then on', () => {
  const binding = { from: '/steps/prepare/output/poses/1/affinity' };
  expect(findBound(scope, binding)).toBeUndefined();
  outputs.prepare = { output: { poses: [{ affinity: -9 }, { affinity: -8 }] } };
  expect(findBound(scope, binding)).toBe(-8);
});

test('/item is the item of the instance, or a place in it; without one it is absent', () => {
  const step = {
    parameters: {},
    inputs: { all: { from: '/item' }, smiles: { from: '/item/smiles' }, none: { from: '/item/nothing' } },
  };
  expect(bindRequest(scope, step, { smiles: 'CCO' })).toStrictEqual({ all: { smiles: 'CCO' }, smiles: 'CCO' });
  expect(bindRequest(scope, step, null)).toStrictEqual({ all: null });
  expect(bindRequest(scope, step)).toStrictEqual({});
});

test('only what a value owns is found', () => {
  for (const from of ['/parameters/constructor', '/parameters/__proto__', '/steps/toString', '/parameters/size/length'])
    expect(findBound(scope, { from })).toBeUndefined();
});

test('a property named __proto__ changes nothing that the request inherits', () => {
  const bound = JSON.parse('{"__proto__":{"from":"/inputs/receptor"}}');
  const own = JSON.parse('{"__proto__":{"admin":true}}');
  for (const step of [
    { inputs: bound, parameters: {} },
    { inputs: {}, parameters: own },
  ]) {
    const request = bindRequest(scope, step);
    expect(Object.getPrototypeOf(request)).toBe(Object.prototype);
    expect(Object.keys(request)).toEqual(['__proto__']);
  }
});
