import { expect, test } from 'vitest';
import {
  type JsonObject,
  newId,
  type PreparedStep,
  parsePublishedSpec,
  type ResultCache,
  type TaskRunner,
  type TraceSteps,
  traceSteps,
  ValidationFailedError,
} from '../../src/index.ts';
import { createTestTasks, ORG_ID } from '../executor/test-platform.ts';

const runner = createTestTasks({});
const tasks: TaskRunner = {
  ...runner,
  async prepare(orgId, call) {
    if (call.request.bad)
      throw new ValidationFailedError({ subject: 'request', issues: [{ pointer: '/bad', message: 'no' }] });
    return runner.prepare(orgId, call);
  },
};
const cache: ResultCache = {
  identifyStep: async ({ request }) => ({ inputSignature: '', cacheKey: JSON.stringify(request), keyComponents: {} }),
  identifyJob: async () => ({ inputSignature: '', cacheKey: '', keyComponents: {} }),
  find: async () => ({ outcome: 'miss', reason: 'no_entry' }),
  findMany: async () => [],
  record: async () => {},
};

const identity = {
  taskKey: 't',
  version: '1.0.0',
  interfaceDigest: '',
  producer: null,
  determinism: 'exact',
  ignoredPointers: [],
};
const stepOf = (name: string, more: JsonObject = {}): JsonObject => ({
  name,
  task: 't@^1',
  taskDefinitionId: newId(),
  identity,
  ...more,
});
const from = (pointer: string) => ({ from: pointer });

async function trace(steps: readonly JsonObject[], given: Partial<TraceSteps> = {}) {
  const spec = parsePublishedSpec({ version: 1, resourceClass: 'cpu', tasks: steps });
  const parameters = {
    n: 1,
    list: [
      { id: 'x', v: 1 },
      { id: 'y', v: 2 },
    ],
  };
  return traceSteps({ tasks, cache }, { orgId: ORG_ID, spec, inputs: {}, parameters, ...given });
}

const told = (steps: Awaited<ReturnType<typeof trace>>) =>
  steps.map((step) => [
    step.name,
    step.kind,
    step.kind === 'prepared' || step.kind === 'waits'
      ? step.request
      : step.kind === 'skipped'
        ? step.reason
        : step.error.code,
  ]);

const CHAIN = [
  stepOf('a', { inputs: { n: from('/parameters/n') } }),
  stepOf('b', { inputs: { a: from('/steps/a/output/v'), n: from('/parameters/n') } }),
  stepOf('c', { inputs: { b: from('/steps/b/output/v') } }),
];

test('what is not known yet waits, with what of its request is known; a known output leads on', async () => {
  expect(told(await trace(CHAIN))).toEqual([
    ['a', 'prepared', { n: 1 }],
    ['b', 'waits', { n: 1 }],
    ['c', 'waits', {}],
  ]);
  const steps = await trace(CHAIN, { outputs: new Map([['a', { v: 5 }]]) });
  expect(told(steps)).toEqual([
    ['a', 'prepared', { n: 1 }],
    ['b', 'prepared', { a: 5, n: 1 }],
    ['c', 'waits', {}],
  ]);
  expect(steps[2]).toMatchObject({ waitsFor: ['b'] });
  expect(steps[1]).toMatchObject({ identity: { cacheKey: '{"a":5,"n":1}' } });
});

test('outputs are asked for once for all instances that may start together', async () => {
  const asked: string[][] = [];
  const findOutputs = async (prepared: readonly PreparedStep[]) => {
    asked.push(prepared.map(({ name }) => name));
    return new Map(prepared.map(({ name }) => [name, { v: name }]));
  };
  const each = stepOf('each', {
    inputs: { v: from('/item/v') },
    forEach: { items: from('/parameters/list'), key: '/id', concurrency: 1 },
  });
  const after = stepOf('after', { inputs: { all: from('/steps/each/output') } });
  const steps = await trace([...CHAIN.slice(0, 2), each, after], { findOutputs });
  expect(asked).toEqual([
    ['a', 'each[x]', 'each[y]'],
    ['b', 'after'],
  ]);
  expect(told(steps).at(-1)).toEqual(['after', 'prepared', { all: [{ v: 'each[x]' }, { v: 'each[y]' }] }]);
});

test('of a list of which one item is not known what follows waits; an empty one leads on', async () => {
  const each = (items: string) =>
    stepOf('each', { inputs: { v: from('/item/v') }, forEach: { items: from(items), key: '/id' } });
  const after = stepOf('after', { inputs: { all: from('/steps/each/output') } });
  const partly = await trace([each('/parameters/list'), after], { outputs: new Map([['each[x]', { v: 1 }]]) });
  expect(told(partly).map(([name, kind]) => [name, kind])).toEqual([
    ['each[x]', 'prepared'],
    ['each[y]', 'prepared'],
    ['after', 'waits'],
  ]);
  const empty = await trace([each('/parameters/list'), after], { parameters: { list: [] } });
  expect(told(empty)).toEqual([['after', 'prepared', { all: [] }]]);
  expect(told(await trace([each('/parameters/n')]))).toEqual([['each', 'refused', 'MAD_CORE_VALIDATION_FAILED']]);
});

test('a condition that does not hold skips its step, also where the step waits for others', async () => {
  const when = { from: '/parameters/n', above: 1 };
  const steps = [stepOf('a'), stepOf('b', { when }), stepOf('c', { when, inputs: { a: from('/steps/a/output/v') } })];
  expect(told(await trace(steps))).toEqual([
    ['a', 'prepared', {}],
    ['b', 'skipped', 'its condition is not met'],
    ['c', 'skipped', 'its condition is not met'],
  ]);
});

test('a request that cannot be made is told, and a failure that does not matter leads on', async () => {
  const bad = stepOf('a', { parameters: { bad: true }, onFailure: 'continue' });
  const after = stepOf('b', { inputs: { a: from('/steps/a/output/v') } });
  expect(told(await trace([bad, after]))).toEqual([
    ['a', 'refused', 'MAD_CORE_VALIDATION_FAILED'],
    ['b', 'prepared', {}],
  ]);
  const failed = new Set(['a']);
  expect(told(await trace([stepOf('a', { onFailure: 'skip' }), after], { failed }))[1]?.[1]).toBe('skipped');
  expect(told(await trace([stepOf('a'), after], { failed }))[1]?.[1]).toBe('waits');
});

test('only what is wanted is prepared', async () => {
  const steps = await trace(CHAIN, { outputs: new Map([['a', { v: 5 }]]), wanted: new Set(['b']) });
  expect(told(steps).filter(([, kind]) => kind === 'prepared')).toEqual([['b', 'prepared', { a: 5, n: 1 }]]);
});

test('a step that is not cached has no identity', async () => {
  const [step] = await trace([stepOf('a', { cache: 'off' })]);
  expect(step).toMatchObject({ kind: 'prepared', identity: undefined });
});
