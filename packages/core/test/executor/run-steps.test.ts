import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { runSteps } from '../../src/executor/run-steps.ts';
import type { JsonObject } from '../../src/json.ts';
import { type PublishedStep, parsePipelineSpec } from '../../src/pipeline/pipeline-spec.ts';

const identity = {
  taskKey: 't',
  version: '1.0.0',
  interfaceDigest: '',
  producer: null,
  determinism: 'exact' as const,
  ignoredPointers: [],
};
const stepsOf = (edges: Record<string, string[]>): PublishedStep[] =>
  parsePipelineSpec({
    version: 1,
    tasks: Object.entries(edges).map(([name, dependsOn]) => ({ name, task: 't', dependsOn })),
  }).tasks.map((step) => ({ ...step, taskDefinitionId: '', identity }));
const diamond = { a: [], b: ['a'], c: ['a'], d: ['b', 'c'] };

function recorder(fail?: string) {
  const log: string[] = [];
  const run = async ({ name }: PublishedStep, signal: AbortSignal): Promise<JsonObject> => {
    log.push(`+${name}`);
    await setTimeout(name === 'b' ? 5 : 20, undefined, { signal }).catch((error: unknown) => {
      log.push(`!${name}`);
      throw error;
    });
    if (name === fail) throw new RangeError(name);
    log.push(`-${name}`);
    return {};
  };
  return { log, run };
}

test('steps start as soon as their dependencies have ended, free ones side by side', async () => {
  const { log, run } = recorder();
  expect(
    await runSteps({
      steps: stepsOf(diamond),
      outputs: new Map(),
      concurrency: 8,
      run,
      signal: new AbortController().signal,
    }),
  ).toBeUndefined();
  expect(log).toEqual(['+a', '-a', '+b', '+c', '-b', '-c', '+d', '-d']);
});

test('no more run at a time than allowed', async () => {
  const { log, run } = recorder();
  await runSteps({
    steps: stepsOf(diamond),
    outputs: new Map(),
    concurrency: 1,
    run,
    signal: new AbortController().signal,
  });
  expect(log).toEqual(['+a', '-a', '+b', '-b', '+c', '-c', '+d', '-d']);
});

test('steps with an output are not run again', async () => {
  const { log, run } = recorder();
  const outputs = new Map([
    ['a', {}],
    ['b', {}],
  ]);
  await runSteps({ steps: stepsOf(diamond), outputs, concurrency: 8, run, signal: new AbortController().signal });
  expect(log).toEqual(['+c', '-c', '+d', '-d']);
});

test('a failed step stops those beside it, and nothing starts after it', async () => {
  const { log, run } = recorder('b');
  const failure = await runSteps({
    steps: stepsOf(diamond),
    outputs: new Map(),
    concurrency: 8,
    run,
    signal: new AbortController().signal,
  });
  expect(failure).toMatchObject({ step: 'b', error: new RangeError('b') });
  expect(log).toEqual(['+a', '-a', '+b', '+c', '!c']);
});

test('an aborted run waits for its steps and throws the reason', async () => {
  const { log, run } = recorder();
  const controller = new AbortController();
  const running = runSteps({
    steps: stepsOf(diamond),
    outputs: new Map(),
    concurrency: 8,
    run,
    signal: controller.signal,
  });
  controller.abort(new RangeError('stop'));
  await expect(running).rejects.toThrow('stop');
  expect(log).toEqual(['+a', '!a']);
});
