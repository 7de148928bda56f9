import { expect, test } from 'vitest';
import { parsePipelineSpec } from '../../src/pipeline/pipeline-spec.ts';
import { createStepGraph, dependenciesOf, orderSteps } from '../../src/pipeline/step-graph.ts';

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

test('a step also waits for those that its condition and its items are read from', () => {
  const [step] = stepsOf([
    {
      name: 'dock',
      task: 'dock',
      dependsOn: ['first', 'split'],
      inputs: { ligand: { from: '/item' }, box: { from: '/steps/box/output' }, size: { from: '/parameters/size' } },
      when: { all: [{ from: '/steps/check/output/ok', equals: true }, { not: { from: '/inputs/a', exists: true } }] },
      forEach: { items: { from: '/steps/split/output/ligands' } },
    },
  ]);
  expect(step && dependenciesOf(step)).toEqual(['first', 'split', 'box', 'check']);
});

test('a graph knows who waits for a step, and for how many each waits', () => {
  const graph = createStepGraph(
    stepsOf([
      { name: 'end', task: 't', dependsOn: ['left', 'right', 'left'], inputs: { x: { from: '/steps/right/output' } } },
      { name: 'left', task: 't', dependsOn: ['start'] },
      { name: 'right', task: 't', dependsOn: ['start'] },
      { name: 'start', task: 't' },
    ]),
  );
  expect(graph.ordered.map(({ name }) => name)).toEqual(['start', 'left', 'right', 'end']);
  expect(graph.dependentsOf('start')).toEqual(['left', 'right']);
  expect(graph.dependentsOf('end')).toEqual([]);
  expect(graph.dependentsOf('constructor')).toEqual([]);
  expect(['start', 'left', 'end', 'constructor'].map((name) => graph.dependencyCount(name))).toEqual([0, 1, 2, 0]);
});

test('steps may bear the names of what every object inherits', () => {
  const tasks = [
    { name: 'constructor', task: 't', dependsOn: ['valueof'] },
    { name: 'valueof', task: 't' },
  ];
  expect(namesOf(tasks)).toEqual(['valueof', 'constructor']);
  expect(() => namesOf([{ name: 'a', task: 't', dependsOn: ['constructor'] }])).toThrow(
    /constructor, which is no step/,
  );
});

test('a chain of 100,000 steps is ordered without overflowing the stack, and a circle of so many is abridged', () => {
  const count = 100_000;
  const steps = stepsOf([{ name: 'each', task: 't' }]).flatMap((each) =>
    Array.from({ length: count }, (_, i) => ({
      ...each,
      name: `s${i}`,
      dependsOn: i === count - 1 ? [] : [`s${i + 1}`],
    })),
  );
  const order = orderSteps(steps);
  expect(order[0]?.name).toBe('s99999');
  expect(order).toHaveLength(count);
  steps.at(-1)?.dependsOn.push('s0');
  expect(() => orderSteps(steps)).toThrow(/s0 → s1 → .* → 99981 more → s0$/);
});

test('10,000 steps in layers that each wait for the whole layer before them are ordered', () => {
  const layers = (width: number) => {
    const names = Array.from({ length: 10_000 }, (_, i) => `s${i}`);
    const layerBefore = names.map((_, i) => (i % width === 0 && i > 0 ? names.slice(i - width, i) : []));
    return stepsOf(names.map((name, i) => ({ name, task: 't', dependsOn: layerBefore[i - (i % width)] })));
  };
  const graph = createStepGraph(layers(100));
  expect(graph.ordered.map(({ name }) => name)).toEqual(Array.from({ length: 10_000 }, (_, i) => `s${i}`));
  expect(graph.dependentsOf('s0')).toHaveLength(100);
  expect(() => createStepGraph(layers(125))).toThrow(/expected 1000000 dependencies at most/);
});

test('a slip repeated in many steps is told a hundred times', () => {
  const tasks = Array.from({ length: 1_000 }, (_, i) => ({ name: `s${i}`, task: 't', dependsOn: ['nowhere'] }));
  expect(() => namesOf(tasks)).toThrow(/and 95 more/);
});
