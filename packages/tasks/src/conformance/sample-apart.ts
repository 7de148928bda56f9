import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import type { JsonSchema, JsonValue } from '@mad/core';

const workerFile = createRequire(import.meta.url).resolve('@mad/tasks/sample-worker');

const TIMEOUT_MS = 5_000;
const MEMORY_MB = 256;

/**
 * Values that may fit a schema, made of its examples, defaults and limits, the smallest first; none where that takes more than five seconds or
 * 256 MB, which a thread of its own sees to: a schema can stand for more than can ever be written.
 */
export async function sampleApart(schema: JsonSchema): Promise<readonly JsonValue[]> {
  if (typeof schema === 'boolean') return [];
  const worker = new Worker(workerFile, {
    workerData: schema,
    execArgv: [],
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB },
  });
  const { promise, resolve } = Promise.withResolvers<readonly JsonValue[]>();
  const giveUp = (): void => resolve([]);
  const timer = setTimeout(giveUp, TIMEOUT_MS);
  worker.once('message', resolve);
  worker.once('error', giveUp);
  worker.once('exit', giveUp);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}
