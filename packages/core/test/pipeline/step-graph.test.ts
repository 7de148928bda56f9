import { expect, test } from 'vitest';
import { parsePipelineSpec } from '../../src/pipeline/pipeline-spec.ts';
import { dependenciesOf, orderSteps } from '../../src/pipeline/step-graph.ts';

const stepsOf = (tasks: readonly object[]) => parsePipelineSpec({ version: 1, tasks }).tasks;
const namesOf = (tasks: readonly object[]) => orderSteps(stepsOf(tasks)).map(({ name }) => name);

test('a step comes after those it is bound to and those it depends on', () => {
  const tasks = [
    { name: 'dock', task: 'dock', inputs: { ligand: { from: '/steps/prepare/output/ligand' } } },
    { name: 'report', task: 'report', dependsOn: ['dock'] },
    { name: 'prepare', task: 'prepare' },
  ];
  expect(namesOf(tasks)).toEqual(['prepare', 'dock', 'report']);
  expect(dependenciesOf(stepsOf(tasks)[0] ?? { dependsOn: [], inputs: {} })).toEqual(['prepare']);
});

test('a circle is refused and named', () => {
  const tasks = [
    { name: 'a', task: 't', dependsOn: ['c'] },
    { name: 'b', task: 't', dependsOn: ['a'] },
    { name: 'c', task: 't', dependsOn: ['b'] },
    { name: 'd', task: 't', dependsOn: ['c'] },
  ];
  expect(() => namesOf(tasks)).toThrow(/in a circle: a → c → b → a/);
});

test('a step that depends on itself is a circle', () => {
  expect(() => namesOf([{ name: 'a', task: 't', dependsOn: ['a'] }])).toThrow(/a → a/);
});

test('names used twice and dependencies that do not exist are told together', () => {
  const tasks = [
    { name: 'a', task: 't' },
    { name: 'a', task: 't', dependsOn: ['nowhere'] },
  ];
  expect(() => namesOf(tasks)).toThrow(/name a is used twice.*nowhere, which is no step/s);
});

test('a chain of 10,000 steps is ordered without overflowing the stack', () => {
  const tasks = Array.from({ length: 10_000 }, (_, i) => ({
    name: `s${i}`,
    task: 't',
    dependsOn: i === 9_999 ? [] : [`s${i + 1}`],
  }));
  const order = namesOf(tasks);
  expect(order[0]).toBe('s9999');
  expect(order).toHaveLength(10_000);
});
