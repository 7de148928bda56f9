import { createHash } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { createTaskService, defineOperation } from '@mad/tasks/service';
import { z } from 'zod';

const file = z.string().meta({ contentEncoding: 'base64', contentMediaType: 'application/octet-stream' });
const parts = Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`in${index + 1}`, z.int().optional()]));

/** Adds what it is given, takes the time it is told to, and writes a file. */
export const work = defineOperation({
  taskKey: 'work',
  version: '1.0.0',
  title: 'Work',
  description: 'Adds one to the sum of its parts and reports it in a file that names what came before.',
  determinism: 'exact',
  producer: 'work 1.0.0',
  concurrency: 1_000,
  request: z.object({
    salt: z.string().describe('Makes every job a new one.'),
    step: z.string(),
    bytes: z.int().min(1).describe('Size of the report.'),
    wait_ms: z.int().min(0).default(0),
    before: file.optional().describe('Report of a step before this one.'),
    ...parts,
  }),
  response: z.object({ value: z.int(), report: file }),
  async run({ salt, step, bytes, wait_ms, before, ...rest }, { signal }) {
    if (wait_ms > 0) await setTimeout(wait_ms, undefined, { signal });
    const value = Object.values(rest).reduce<number>((sum, part) => sum + (Number(part) || 0), 1);
    const given = before === undefined ? undefined : Buffer.from(before, 'base64');
    return { value, report: reportOf({ salt, step, bytes, value, before: given }).toString('base64') };
  },
});

/** The file that `work` writes: as many bytes as were asked for, all of them told by the request. */
export function reportOf(facts: {
  readonly salt: string;
  readonly step: string;
  readonly bytes: number;
  readonly value: number;
  readonly before: Uint8Array | undefined;
}): Buffer {
  const { salt, step, bytes, value, before } = facts;
  const source = before === undefined ? 'nothing' : createHash('sha256').update(before).digest('hex');
  return Buffer.alloc(bytes, `${salt} ${step} ${value} after ${source}\n`);
}

/** The service, and every call that reached it. */
export interface WorkService extends AsyncDisposable {
  readonly url: string;
  /** Idempotency keys of the calls of one job, in the order they came. */
  callsOf(jobId: string): readonly string[];
}

/** Serves `work` on a free port of this machine. Calls are noted as the HTTP server sees them, before the service knows a repeated key. */
export async function startWorkService(): Promise<WorkService> {
  const service = createTaskService({ operations: [work], queueLimit: 10_000, retainCount: 10_000 });
  const { url } = await service.listen();
  const port = Number(new URL(url).port);
  const calls = new Map<string, string[]>();
  const note = (message: unknown) => {
    const { request } = message as { request: IncomingMessage };
    const key = request.headers['idempotency-key'];
    if (request.socket.localPort !== port || typeof key !== 'string') return;
    const jobId = key.split('/', 1)[0] ?? '';
    calls.set(jobId, [...(calls.get(jobId) ?? []), key]);
  };
  subscribe('http.server.request.start', note);
  return {
    url,
    callsOf: (jobId) => [...(calls.get(jobId) ?? [])],
    async [Symbol.asyncDispose]() {
      unsubscribe('http.server.request.start', note);
      await service.close({ graceMs: 0 });
    },
  };
}
