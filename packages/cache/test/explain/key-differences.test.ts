import type { JsonObject, TaskIdentity } from '@mad/core';
import { expect, test } from 'vitest';
import { toDifference } from '../../src/explain/difference-words.ts';
import { asAsked, differingComponents } from '../../src/explain/key-differences.ts';
import { jobKey, stepKey } from '../../src/index.ts';
import { identityOf } from './explained-host.ts';

const REQUEST = { seed: 1, box: { center: { x: 0, y: 1 }, size: [20, 20] }, 'a/b~c': 1, none: null };
const step = (request: JsonObject, task: Partial<TaskIdentity> = {}, salt?: string): JsonObject =>
  stepKey({ task: identityOf('dock', task), request, salt }).keyComponents;

test.each<[string, JsonObject, string]>([
  ['a value', { ...REQUEST, seed: 2 }, '/parameters/seed'],
  ['a value of another kind', { ...REQUEST, seed: '1' }, '/parameters/seed'],
  ['a nested value', { ...REQUEST, box: { ...REQUEST.box, center: { x: 0, y: 2 } } }, '/parameters/box/center/y'],
  ['an item', { ...REQUEST, box: { ...REQUEST.box, size: [20, 21] } }, '/parameters/box/size/1'],
  ['an item more', { ...REQUEST, box: { ...REQUEST.box, size: [20, 20, 1] } }, '/parameters/box/size/2'],
  ['a part left out', { ...REQUEST, box: { size: [20, 20] } }, '/parameters/box/center'],
  ['a part emptied', { ...REQUEST, box: { ...REQUEST.box, center: {} } }, '/parameters/box/center'],
  ['a part that is a value now', { ...REQUEST, box: 5 }, '/parameters/box'],
  ['an odd name', { ...REQUEST, 'a/b~c': 2 }, '/parameters/a~1b~0c'],
  ['null', { ...REQUEST, none: undefined }, '/parameters/none'],
  ['a first value', { ...REQUEST, more: {} }, '/parameters/more'],
])('%s that changes alone is one component', (_what, changed, component) => {
  expect(differingComponents(step(REQUEST), step(changed))).toEqual([component]);
  expect(differingComponents(step(changed), step(REQUEST))).toEqual([component]);
});

test('all that a request has is compared where the other has nothing', () => {
  expect(differingComponents(step({}), step({ a: 1, b: 2 }))).toEqual(['/parameters/a', '/parameters/b']);
});

test.each<[Partial<TaskIdentity>, string]>([
  [{ taskKey: 'gnina' }, 'taskKey'],
  [{ version: '1.1.0' }, 'version'],
  [{ interfaceDigest: 'b'.repeat(64) }, 'interfaceDigest'],
  [{ producer: 'vina 1.2.5' }, 'producer'],
  [{ architecture: 'linux/arm64' }, 'architecture'],
  [{ determinism: 'seeded' }, 'determinism'],
])('of a task %o is one component, of a step and of a job', (facts, name) => {
  expect(differingComponents(step(REQUEST), step(REQUEST, facts))).toEqual([`/task/${name}`]);
  const job = (task: Partial<TaskIdentity>) =>
    jobKey({ spec: {}, tasks: [identityOf('prepare'), identityOf('dock', task)], inputs: {}, parameters: {} })
      .keyComponents;
  expect(differingComponents(job({}), job(facts))).toEqual([`/tasks/1/${name}`]);
});

test('another task is told without all that it brings, and other steps without their tasks', () => {
  const other = { taskKey: 'gnina', version: '2.0.0', interfaceDigest: 'c'.repeat(64), producer: 'gnina 1.1' };
  expect(differingComponents(step(REQUEST), step(REQUEST, other))).toEqual(['/task/taskKey']);
  const job = (spec: JsonObject, ...keys: string[]) =>
    jobKey({ spec, tasks: keys.map((key) => identityOf(key)), inputs: {}, parameters: {} }).keyComponents;
  expect(differingComponents(job({ n: 1 }, 'a', 'b'), job({ n: 2 }, 'c', 'a', 'b'))).toEqual(['/spec']);
});

test('of a salt only that it changed is told', () => {
  const [before, after] = [step(REQUEST), step(REQUEST, {}, 'secret')];
  expect(differingComponents(before, after)).toEqual(['/salt']);
  const difference = toDifference('/salt', { before: before.salt, after: after.salt });
  expect(difference).toEqual({ component: '/salt', before: undefined, after: undefined, words: 'salt changed' });
});

test('long values are cut, also in names, and stay on one line', () => {
  const text = `${'x'.repeat(500)}\n`;
  const difference = toDifference(`/parameters/${'n'.repeat(500)}\u{1b}[31m`, {
    before: text,
    after: { [text]: text },
  });
  expect(['\n', '\u{1b}'].some((char) => difference.words.includes(char))).toBe(false);
  expect(difference.words.length).toBeLessThan(300);
  expect(String(difference.before).length).toBeLessThan(100);
  expect(JSON.stringify(difference.after).length).toBeLessThan(1_100);
});

test('what a signature sets apart is told as it was asked', () => {
  const before = {
    parameters: { smiles: { $text: 'CCO', normalizedAs: 'chemical/x-daylight-smiles' }, list: [1], n: 1 },
  };
  const after = {
    parameters: { smiles: { $text: 'CCN', normalizedAs: 'chemical/x-daylight-smiles' }, list: [1], n: 1 },
  };
  expect(differingComponents(asAsked(before), asAsked(after))).toEqual(['/parameters/smiles']);
  expect(asAsked({ a: { $plain: { $artifact: 'x' } } })).toEqual({ a: { $artifact: 'x' } });
  expect(asAsked(before)).toMatchObject({ parameters: { smiles: 'CCO' } });
});
