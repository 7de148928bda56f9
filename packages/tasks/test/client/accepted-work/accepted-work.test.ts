import { readFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import type { JsonObject } from '@mad/core';
import { describe, expect, test } from 'vitest';
import { Callbacks } from '../../../src/client/accepted-work/callbacks.ts';
import { parseDocument } from '../../../src/definition/parse-document.ts';
import { createTaskInterface, type TaskInterface } from '../../../src/openapi/task-interface.ts';
import { call, failureOf } from '../../call.ts';
import { json, startServer } from '../../hand-made-server.ts';

const text = readFileSync(join(import.meta.dirname, '../../documents/long-running.yaml'), 'utf8');

const POLYMERS = `  /polymers/{id}:
    get:
      operationId: getPolymers
      parameters: [{ name: id, in: path, required: true, schema: { type: string } }]
      responses:
        "200":
          description: State
          content: { application/json: { schema: { type: object, properties: { status: { enum: [baking, done, burnt] } } } } }
`;

/** The document of a vendor that goes its own ways, with what it is told about them. */
function vendor(xMad: object): TaskInterface {
  const document = parseDocument(text.replace('components:\n', `${POLYMERS}components:\n`));
  const info = document.info as JsonObject;
  return createTaskInterface(
    parseDocument({ ...document, info: { ...info, 'x-mad': { taskKey: 'vendor', ...xMad } } }),
  );
}

const conformers = (execution: object = {}) =>
  vendor({
    operation: 'startConformers',
    execution: { status: 'getConformers', progress: '/percent', progressMax: 100, ...execution },
  });
const request = { smiles: 'CCO', count: 10 };

/** Accepts with 200 and an id, then answers each question by the next of `states`, the last one for ever. */
function accepting(...states: (object | RequestListener)[]): RequestListener {
  let asked = 0;
  return (incoming, response) => {
    if (incoming.method === 'POST') return json(response.setHeader('retry-after', '0'), 200, { jobId: 'job-18' });
    const state = states[Math.min(asked++, states.length - 1)];
    if (typeof state === 'function') (state as RequestListener)(incoming, response);
    else json(response.setHeader('retry-after', '0'), 200, { jobId: 'job-18', ...state });
  };
}
const done = { status: 'done', percent: 100, result: { score: -8.1, poses: 4 } };

describe('work accepted with 200 and an id', () => {
  test('is asked for at the status operation that the definition names', async () => {
    const accepted: string[] = [];
    const progress: number[] = [];
    await using server = await startServer(accepting({ status: 'queued' }, { status: 'running', percent: 30 }, done));
    const response = await call(`${server.url}/v1`, {
      ...{ taskInterface: conformers(), request, onProgress: (fraction) => progress.push(fraction) },
      onAccepted: async (id) => void accepted.push(id),
    });
    expect(response).toEqual({ score: -8.1, poses: 4 });
    expect(accepted).toEqual(['job-18']);
    expect(progress).toEqual([0.3, 1]);
    expect(server.seen).toEqual(['POST /v1/conformer-jobs', ...Array(3).fill('GET /v1/conformer-jobs/job-18')]);
  });

  test('is taken up again by its id, and nothing is sent', async () => {
    await using server = await startServer(accepting(done));
    const taskInterface = conformers();
    expect(await call(server.url, { taskInterface, request, externalId: 'job-7' })).toEqual(done.result);
    expect(server.seen).toEqual(['GET /conformer-jobs/job-7']);
  });

  test('gives its result by another operation', async () => {
    await using server = await startServer((incoming, response) => {
      if (incoming.url?.startsWith('/results/')) json(response, 200, { score: -9, poses: 1 });
      else accepting({ status: 'done' })(incoming, response);
    });
    const taskInterface = conformers({ resultOperation: 'getDockingResult' });
    expect(await call(server.url, { taskInterface, request })).toEqual({ score: -9, poses: 1 });
    expect(server.seen.at(-1)).toBe('GET /results/job-18');
  });

  test.each([
    [
      'an error that is a sentence',
      { status: 'failed', error: 'no pocket' },
      { failureCode: 'EXECUTION_FAILED', message: 'no pocket' },
    ],
    [
      'a state that nobody knows',
      { status: 'on holiday' },
      { failureCode: 'CONTRACT_VIOLATION', message: expect.stringContaining('on holiday') },
    ],
    ['a state that is a list', { status: ['done'] }, { failureCode: 'CONTRACT_VIOLATION' }],
    ['a result of another form', { ...done, result: { score: 'good' } }, { failureCode: 'CONTRACT_VIOLATION' }],
    ['a cancellation', { status: 'cancelled' }, { failureCode: 'EXECUTION_CANCELED', retryable: true }],
    ['a progress of 130', { status: 'running', percent: 130 }, { failureCode: 'CONTRACT_VIOLATION' }],
  ])('and %s fails as such', async (_, state, failure) => {
    expect(await failureOf(accepting(state), { taskInterface: conformers(), request })).toMatchObject(failure);
  });

  test('and words of its own is understood by the definition', async () => {
    const taskInterface = conformers({ running: ['on holiday'], completed: ['BACK'] });
    await using server = await startServer(accepting({ status: 'On Holiday' }, { ...done, status: 'back' }));
    expect(await call(server.url, { taskInterface, request })).toEqual(done.result);
  });

  test('but without an id is a contract violation', async () => {
    const failure = await failureOf((_, response) => json(response, 200, { job: 1 }), {
      taskInterface: conformers(),
      request,
    });
    expect(failure).toMatchObject({ failureCode: 'CONTRACT_VIOLATION', message: expect.stringContaining('/jobId') });
  });

  test('is canceled by the operation of the contract when the caller gives up', async () => {
    await using server = await startServer(accepting({ status: 'running', percent: 1 }));
    await expect(call(server.url, { taskInterface: conformers(), request, timeoutMs: 200 })).rejects.toThrow();
    expect(server.seen.at(-1)).toBe('DELETE /conformer-jobs/job-18');
  });
});

describe('work whose result is elsewhere', () => {
  const docking = vendor({ operation: 'startDocking', execution: { status: 'getDocking' } });
  const ligand = { body: { receptor: 'protease', ligand: 'CCO' } };
  const elsewhere =
    (location: string): RequestListener =>
    (incoming, response) => {
      if (incoming.method === 'POST') return json(response.setHeader('retry-after', '0'), 202, { jobId: 'job-17' });
      if (incoming.url === '/results/job-17') return json(response, 200, { score: -8, poses: 2 });
      response.writeHead(303, { location }).end();
    };

  test('is fetched where a declared 303 leads', async () => {
    await using server = await startServer(elsewhere('/results/job-17'));
    expect(await call(server.url, { taskInterface: docking, request: ligand })).toEqual({ score: -8, poses: 2 });
  });

  test.each(['http://169.254.169.254/latest', '//127.0.0.1:9/x', 'file:///etc/passwd', ''])(
    'but not from another origin: %s',
    async (location) => {
      const failure = await failureOf(elsewhere(location), { taskInterface: docking, request: ligand });
      expect(failure).toMatchObject({ failureCode: 'CONTRACT_VIOLATION', retryable: false });
    },
  );
});

describe('a service that calls back', () => {
  test('is asked at once, and told where by the field that its document names', async () => {
    const document = parseDocument(text);
    const taskInterface = createTaskInterface(
      parseDocument({
        ...document,
        info: {
          ...(document.info as object),
          'x-mad': { operation: 'startDocking', execution: { status: 'getDocking' } },
        },
      }),
    );
    const callbacks = new Callbacks((token) => `http://127.0.0.1:9/callbacks/${token}`);
    using bell = callbacks.open('key');
    let told = '';
    let isDone = false;
    await using server = await startServer((incoming, response) => {
      if (incoming.method === 'POST') {
        told = new URL(incoming.url ?? '', 'http://x').searchParams.get('progressUrl') ?? '';
        // Asked in time, it would be asked in ten minutes.
        setTimeout(() => {
          isDone = true;
          callbacks.ring(told.split('/').at(-1) ?? '');
        }, 100);
        return json(response.setHeader('retry-after', '600'), 202, { jobId: 'job-17' });
      }
      json(response, 200, { jobId: 'job-17', ...(isDone ? done : { status: 'running' }) });
    });
    const ligand = { body: { receptor: 'protease', ligand: 'CCO' } };
    expect(await call(server.url, { taskInterface, request: ligand, bell })).toEqual(done.result);
    expect(told).toBe(bell.url);
    expect(server.seen.slice(1)).toEqual(['GET /dockings/job-17']);
  });

  test('under a token that no call has rings nothing', () => {
    const callbacks = new Callbacks((token) => token);
    expect(callbacks.ring('nobody')).toBe(false);
    callbacks.open('key')[Symbol.dispose]();
    expect(callbacks.ring(new Callbacks((token) => token).open('key').url)).toBe(false);
  });
});

describe('a definition of accepted work', () => {
  test.each([
    [
      'an operation that is not there',
      { status: 'getNothing' },
      '/info/x-mad/execution/status',
      /there is no operation getNothing/,
    ],
    [
      'no result in the state',
      { status: 'getConformers', result: '/answer' },
      '/info/x-mad/execution/result',
      /declares nothing at \/answer/,
    ],
    [
      'a parameter that is not there',
      { status: 'getConformers', parameter: 'id' },
      '/info/x-mad/execution/parameter',
      /expected the parameter of getConformers/,
    ],
    [
      'a status operation that asks for more',
      { status: 'startConformers' },
      '/info/x-mad/execution/parameter',
      /takes the id/,
    ],
    [
      'a state that is not there',
      { status: 'getConformers', state: '/stat' },
      '/info/x-mad/execution/state',
      /declares nothing at \/stat/,
    ],
    [
      'a word that means nothing',
      { status: 'getPolymers', result: '' },
      '/info/x-mad/execution',
      /say what baking, burnt of getPolymers means/,
    ],
    ['a misspelled key', { status: 'getConformers', progres: '/x' }, '/info/x-mad/execution', /progres/],
  ])('with %s is refused', (...[, execution, pointer, reason]) => {
    expect(() => vendor({ operation: 'startConformers', execution })).toThrow(
      expect.objectContaining({ pointer, reason: expect.stringMatching(reason) }),
    );
  });
});
