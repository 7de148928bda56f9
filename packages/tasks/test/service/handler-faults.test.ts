import { defineOperation, TaskServiceError } from '@mad/tasks/service';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { serve } from './serve.ts';

const facts = { taskKey: 'faulty', version: '1.0.0', title: '', description: '', determinism: 'exact' } as const;

/** An operation that gives and throws whatever the test wants, past its types. */
const faulty = (run: (progress: (fraction: never) => void) => unknown, longRunning = false) =>
  defineOperation({
    ...{ ...facts, longRunning },
    request: z.object({}),
    response: z.object({ value: z.unknown() }).partial(),
    run: async (_, { progress }) => (await run(progress)) as never,
  });

const circle: { inner?: unknown } = {};
circle.inner = circle;
const hostile = new Proxy(
  {},
  {
    has() {
      throw new TypeError('do not look');
    },
    get() {
      throw new TypeError('do not look');
    },
  },
);
const raise = (thrown: unknown) => () => {
  throw thrown;
};
const refuse = (more: object) => raise(new TaskServiceError({ code: 'NO_POSES', message: 'none', ...more } as never));

const unhandled: unknown[] = [];
const note = (reason: unknown) => void unhandled.push(reason);
beforeEach(() => void process.on('unhandledRejection', note));
afterEach(() => {
  process.off('unhandledRejection', note);
  expect(unhandled.splice(0)).toEqual([]);
});

describe('whatever a handler does is answered', () => {
  test.each([
    ['throws undefined', raise(undefined)],
    ['throws text', raise('no')],
    ['throws an object that throws when it is looked at', raise(hostile)],
    ['rejects with a symbol', () => Promise.reject(Symbol('no'))],
    ['returns undefined', () => undefined],
    ['returns text', () => 'done'],
    ['returns NaN', () => ({ value: Number.NaN })],
    ['returns a bigint', () => ({ value: 1n })],
    ['returns a function', () => ({ value: () => 1 })],
    ['returns undefined in a list', () => ({ value: [undefined] })],
    ['returns a circle', () => ({ value: circle })],
    ['returns what throws when it is read', () => ({ value: hostile })],
  ])('it %s: INTERNAL_ERROR, and the log has it', async (_, run) => {
    const logged: object[] = [];
    const logger = { debug() {}, info() {}, warn() {}, error: (facts: object) => void logged.push(facts) };
    await using served = await serve({ operations: [faulty(run)], logger });
    const answer = await served.call('POST', '/faulty/execute', { body: {} });
    expect(answer).toMatchObject({ status: 500, body: { error: { code: 'INTERNAL_ERROR', retryable: true } } });
    expect(logged).toMatchObject([{ taskKey: 'faulty' }]);
    expect(served.service.operations[0]?.load.running).toBe(0);
  });

  test.each([
    ['a status that is none', { status: 42 }, { status: 500, code: 'NO_POSES' }],
    ['a status of success', { status: 200 }, { status: 500, code: 'NO_POSES' }],
    ['a code in lower case', { code: 'no poses' }, { status: 422, code: 'EXECUTION_FAILED' }],
    ['details that are no JSON', { details: { count: 1n } }, { status: 422, code: 'NO_POSES' }],
    ['details that go round in a circle', { details: circle }, { status: 422, code: 'NO_POSES' }],
  ])('it fails with %s: what can be told is', async (_, more, { status, code }) => {
    await using served = await serve({ operations: [faulty(refuse(more))] });
    const answer = await served.call('POST', '/faulty/execute', { body: {} });
    expect(answer).toMatchObject({ status, body: { error: { code, message: 'none' } } });
    expect(answer.body.error).not.toHaveProperty('details');
  });

  test('a logger that throws costs the log line, not the process', async () => {
    const logger = { debug() {}, info() {}, warn() {}, error: raise(new TypeError('full disk')) };
    await using served = await serve({ operations: [faulty(raise('no'))], logger });
    expect((await served.call('POST', '/faulty/execute', { body: {} })).status).toBe(500);
    expect((await served.call('GET', '/health')).status).toBe(200);
  });

  test('an optional property that is undefined is left out', async () => {
    await using served = await serve({ operations: [faulty(() => ({ value: undefined }))] });
    expect(await served.call('POST', '/faulty/execute', { body: {} })).toMatchObject({ status: 200, body: {} });
  });

  test('progress that is none is passed over', async () => {
    const run = async (progress: (fraction: never) => void) => {
      for (const fraction of [0.25, Number.NaN, -1, '0.9', 1n, undefined, {}]) progress(fraction as never);
      await new Promise(() => {});
    };
    await using served = await serve({ operations: [faulty(run, true)] });
    const { body } = await served.call('POST', '/faulty/execute', { body: {} });
    const state = await served.call('GET', `/faulty/executions/${body.execution_id}`);
    expect(state.body).toMatchObject({ status: 'RUNNING', progress: 0.25 });
  });

  test('a result beyond the limit is final', async () => {
    await using served = await serve({
      operations: [faulty(() => ({ value: 'x'.repeat(2_000) }))],
      maxResultBytes: 1_000,
    });
    const answer = await served.call('POST', '/faulty/execute', { body: {} });
    expect(answer).toMatchObject({ status: 422, body: { error: { code: 'RESULT_TOO_LARGE', retryable: false } } });
  });

  test('a result that the handler changes afterwards stays as it was', async () => {
    const value = { poses: 3 };
    await using served = await serve({ operations: [faulty(() => ({ value }), true)] });
    const { body } = await served.call('POST', '/faulty/execute', { body: {} });
    await served.call('GET', `/faulty/executions/${body.execution_id}`, { headers: { prefer: 'wait=1' } });
    value.poses = 0;
    const state = await served.call('GET', `/faulty/executions/${body.execution_id}`);
    expect(state.body).toMatchObject({ status: 'COMPLETED', result: { value: { poses: 3 } } });
  });
});

describe('a hostile request', () => {
  test('with thousands of faults is answered with some of them', async () => {
    const request = z.object({ named: z.record(z.string(), z.number()), numbers: z.array(z.number()) });
    const operation = defineOperation({ ...facts, request, response: z.object({}), run: () => ({}) });
    await using served = await serve({ operations: [operation] });
    const { status, body } = await served.call('POST', '/faulty/execute', {
      body: {
        named: { ['x'.repeat(30_000)]: 'no' },
        numbers: Array.from({ length: 5_000 }, () => 'x'.repeat(10)),
        ['/~'.repeat(500)]: 1,
      },
    });
    expect(status).toBe(422);
    const { issues } = (body as { error: { details: { issues: unknown[] } } }).error.details;
    expect(issues).toHaveLength(50);
    expect(JSON.stringify(body).length).toBeLessThan(20_000);
  });

  test.each([
    ['a property __proto__ where any is allowed', '{"__proto__":{"admin":true}}'],
    ['a property __proto__ deep inside', '{"a":{"b":[{"__proto__":1}]}}'],
    ['half a surrogate pair', '{"a":"\\ud800"}'],
    ['nesting that would end a stack', `{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}`],
    ['a number beyond double', '{"a":1e999}'],
  ])('with %s is refused', async (_, body) => {
    const operation = defineOperation({
      ...facts,
      ...{ request: z.looseObject({}), response: z.object({}), run: () => ({}) },
    });
    await using served = await serve({ operations: [operation] });
    expect(await served.call('POST', '/faulty/execute', { body })).toMatchObject({
      status: 422,
      body: { error: { code: 'VALIDATION_FAILED', details: { issues: [{ message: expect.any(String) }] } } },
    });
  });
});
