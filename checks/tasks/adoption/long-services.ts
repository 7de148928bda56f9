import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json as readJson } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { createTaskService, defineOperation } from '@mad/tasks/service';
import { z } from 'zod';

/** Work of this long is accepted at once; long enough to be asked for several times. */
export const WORK_MS = 2_600;

/** What reached a service for one job. */
export interface ServiceRecord {
  /** Times that the work was begun. */
  begun: number;
  /** Times that it was told to stop. */
  stopped: number;
}

/** Two services that take work over, each in its way, in this process. */
export interface LongServices extends AsyncDisposable {
  readonly kit: { readonly url: string; readonly document: object };
  readonly vendor: { readonly url: string; readonly document: object };
  recordOf(jobId: string): ServiceRecord;
}

/** 202 with a Location, asked with `Prefer: wait`, told to stop by DELETE; and 200 with an id, states in words of its own, stopped by POST. */
export async function startLongServices(): Promise<LongServices> {
  const records = new Map<string, ServiceRecord>();
  const recordOf = (jobId: string): ServiceRecord => {
    const record = records.get(jobId) ?? { begun: 0, stopped: 0 };
    records.set(jobId, record);
    return record;
  };
  const operation = defineKitWork(recordOf);
  const kit = createTaskService({ operations: [operation], concurrency: 100, retainCount: 10_000 });
  const { url } = await kit.listen();
  const vendor = createServer(createVendor(recordOf)).listen(0, '127.0.0.1');
  await once(vendor, 'listening');
  return {
    recordOf,
    kit: { url: `${url}/kit-work`, document: operation.document },
    vendor: { url: `http://127.0.0.1:${(vendor.address() as AddressInfo).port}`, document: VENDOR_DOCUMENT },
    async [Symbol.asyncDispose]() {
      vendor.closeAllConnections();
      vendor.close();
      await kit.close({ graceMs: 0 });
    },
  };
}

function defineKitWork(recordOf: (jobId: string) => ServiceRecord) {
  return defineOperation({
    taskKey: 'kit-work',
    version: '1.0.0',
    title: 'Work',
    description: 'Takes its time.',
    determinism: 'exact',
    longRunning: true,
    concurrency: 100,
    request: z.object({ job: z.string() }),
    response: z.object({ value: z.int() }),
    async run({ job }, { signal, progress }) {
      recordOf(job).begun++;
      try {
        for (let part = 1; part <= 4; part++) {
          await setTimeout(WORK_MS / 4, undefined, { signal });
          progress(part / 4);
        }
      } catch (error) {
        recordOf(job).stopped++;
        throw error;
      }
      return { value: 42 };
    },
  });
}

interface VendorJob {
  readonly job: string;
  readonly doneAt: number;
  isStopped: boolean;
}

/** Knows no idempotency key: what is sent twice is done twice. */
function createVendor(recordOf: (jobId: string) => ServiceRecord): RequestListener {
  const jobs = new Map<string, VendorJob>();
  return async (request, response) => {
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    const [, , id = '', verb] = (request.url ?? '').split('/');
    if (request.method === 'POST' && id === '') {
      const { job } = (await readJson(request)) as { job: string };
      recordOf(job).begun++;
      const number = randomUUID();
      jobs.set(number, { job, doneAt: Date.now() + WORK_MS, isStopped: false });
      return answer(200, { ticket: { number } });
    }
    request.resume();
    const known = jobs.get(id);
    if (!known) return answer(404, {});
    if (verb !== 'stop') return answer(200, toState(known));
    known.isStopped = true;
    recordOf(known.job).stopped++;
    answer(200, {});
  };
}

function toState({ doneAt, isStopped }: VendorJob): object {
  if (isStopped) return { phase: 'withdrawn' };
  return Date.now() < doneAt
    ? { phase: 'cooking', percent: 50 }
    : { phase: 'ready', percent: 100, answer: { value: 42 } };
}

const json = (schema: object) => ({ description: 'so', content: { 'application/json': { schema } } });
const ticket = [{ name: 'number', in: 'path', required: true, schema: { type: 'string' } }];
const object = (properties: object, required: readonly string[] = []) => ({ type: 'object', properties, required });

const VENDOR_DOCUMENT = {
  openapi: '3.1.0',
  info: {
    title: 'Kitchen',
    version: '1.0.0',
    'x-mad': {
      taskKey: 'vendor-work',
      operation: 'order',
      execution: {
        status: 'look',
        id: '/ticket/number',
        state: '/phase',
        running: ['cooking'],
        completed: ['ready'],
        canceled: ['withdrawn'],
        progress: '/percent',
        progressMax: 100,
        result: '/answer',
        cancel: 'withdraw',
      },
    },
  },
  paths: {
    '/orders': {
      post: {
        operationId: 'order',
        requestBody: { required: true, content: json(object({ job: { type: 'string' } }, ['job'])).content },
        responses: { 200: json(object({ ticket: object({ number: { type: 'string' } }) })) },
      },
    },
    '/orders/{number}': {
      get: {
        operationId: 'look',
        parameters: ticket,
        responses: {
          200: json(
            object({
              phase: { type: 'string' },
              percent: { type: 'number' },
              answer: object({ value: { type: 'integer' } }, ['value']),
            }),
          ),
        },
      },
    },
    '/orders/{number}/stop': {
      post: { operationId: 'withdraw', parameters: ticket, responses: { 200: json({ type: 'object' }) } },
    },
  },
};
