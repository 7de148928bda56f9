import { text } from 'node:stream/consumers';
import { type HandMadeServer, startServer } from '../hand-made-server.ts';

const WORK_MS = 300;

/** A service of another's making: it answers 200 with a number for its work, in words of its own, and gives the result elsewhere. */
export function startQueueService({ cancels = true } = {}): Promise<HandMadeServer> {
  const jobs: { begunAt: number; isStopped: boolean }[] = [];
  return startServer(async (request, response) => {
    const body = await text(request);
    const answer = (status: number, value: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    const refuse = (status: number, code: string) => answer(status, { error: { code, message: 'refused' } });
    if (request.url === '/health') return answer(200, {});
    if (request.url === '/submit' && request.method === 'POST') return submit(body, { answer, refuse, jobs });
    const [, number, action = 'state'] = /^\/queue\/(\d+)(?:\/(\w+))?$/.exec(request.url ?? '') ?? [];
    const job = jobs[Number(number)];
    if (!job) return refuse(404, 'NOT_FOUND');
    if (action === 'stop') job.isStopped ||= cancels;
    const percent = Math.min(100, Math.round(((performance.now() - job.begunAt) / WORK_MS) * 100));
    if (action === 'result') return answer(200, { mass: 12 });
    const went = percent < 100 ? 'HEATING' : 'COOKED';
    return answer(200, { phase: job.isStopped ? 'TAKEN_OFF' : went, percent });
  });
}

interface Kitchen {
  readonly answer: (status: number, value: object) => unknown;
  readonly refuse: (status: number, code: string) => unknown;
  readonly jobs: { begunAt: number; isStopped: boolean }[];
}

function submit(body: string, { answer, refuse, jobs }: Kitchen): unknown {
  try {
    const { atoms } = JSON.parse(body) as { atoms?: unknown };
    if (typeof atoms !== 'number') return refuse(422, 'VALIDATION_FAILED');
  } catch {
    return refuse(400, 'NO_JSON');
  }
  return answer(200, { number: jobs.push({ begunAt: performance.now(), isStopped: false }) - 1 });
}

const json = (schema: object) => ({ content: { 'application/json': { schema } } });
const ok = (schema: object) => ({ 200: { description: 'ok', ...json(schema) } });
const parameters = [{ name: 'number', in: 'path', required: true, schema: { type: 'integer' } }];
const state = { type: 'object', properties: { phase: { type: 'string' }, percent: { type: 'integer' } } };

export const queueDocument = {
  openapi: '3.0.3',
  info: {
    title: 'Queue',
    version: '2.0.0',
    'x-mad': {
      taskKey: 'queue',
      determinism: 'exact',
      producer: 'queue 2.0.0',
      operation: 'submit',
      execution: {
        status: 'state',
        id: '/number',
        state: '/phase',
        running: ['HEATING'],
        completed: ['COOKED'],
        canceled: ['TAKEN_OFF'],
        progress: '/percent',
        progressMax: 100,
        resultOperation: 'result',
        cancel: 'stop',
      },
    },
  },
  paths: {
    '/submit': {
      post: {
        operationId: 'submit',
        requestBody: json({ type: 'object', required: ['atoms'], properties: { atoms: { type: 'integer' } } }),
        responses: {
          ...ok({ type: 'object', properties: { number: { type: 'integer' } } }),
          default: { description: 'a failure', ...json({ type: 'object', required: ['error'] }) },
        },
      },
    },
    '/queue/{number}': { get: { operationId: 'state', parameters, responses: ok(state) } },
    '/queue/{number}/result': {
      get: {
        operationId: 'result',
        parameters,
        responses: ok({ type: 'object', required: ['mass'], properties: { mass: { type: 'number' } } }),
      },
    },
    '/queue/{number}/stop': { post: { operationId: 'stop', parameters, responses: ok(state) } },
  },
};
