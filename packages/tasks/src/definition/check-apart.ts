import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { ValidationFailedError } from '@mad/core';
import PQueue from 'p-queue';
import { TaskDocumentInvalidError, TaskDocumentRefusedError } from '../errors.ts';
import type { DocumentAnswer, DocumentQuestion } from './document-worker.ts';

const workerFile = createRequire(import.meta.url).resolve('@mad/tasks/document-worker');

/** A document of 5 MB that is made for people takes two seconds. */
const TIMEOUT_MS = 10_000;
const MEMORY_MB = 512;
/** Starting a thread takes most of a second, of which a document of ordinary size needs some milliseconds. */
const KEEP_MS = 10_000;
/** Documents checked at a time; others wait. */
const AT_A_TIME = 2;

const queue = new PQueue({ concurrency: AT_A_TIME });
const idle: { readonly worker: Worker; readonly timer: NodeJS.Timeout }[] = [];

/**
 * Holds a document against the OpenAPI specification in a thread apart, which may take ten seconds and 512 MB: whoever wrote the document blocks
 * nobody, and ends no process. Two are checked at a time. A thread that found nothing wrong is kept for the next ten seconds.
 * @throws {TaskDocumentInvalidError} when it is not OpenAPI, or, of a task, has no operation that can be one.
 * @throws {TaskDocumentRefusedError} when that takes too long or too much memory.
 * @throws {ValidationFailedError} when a schema of a task cannot be compiled.
 */
export async function checkApart(question: DocumentQuestion): Promise<void> {
  throwFault(await queue.add(() => ask(takeWorker(), question)));
}

async function ask(worker: Worker, question: DocumentQuestion): Promise<DocumentAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<DocumentAnswer>();
  const timer = setTimeout(() => reject(tooMuch(`checking it takes longer than ${TIMEOUT_MS / 1_000} s`)), TIMEOUT_MS);
  worker.once('message', resolve);
  worker.once('error', (cause) => reject(tooMuch(`checking it takes more than ${MEMORY_MB} MB, or breaks off`, cause)));
  worker.once('exit', () => reject(tooMuch('checking it breaks off')));
  let isSound = false;
  try {
    worker.postMessage(question);
    const answer = await promise;
    isSound = answer.fault === undefined;
    return answer;
  } finally {
    clearTimeout(timer);
    forgetListeners(worker);
    if (isSound) keep(worker);
    else await worker.terminate();
  }
}

function takeWorker(): Worker {
  const kept = idle.pop();
  if (kept) {
    clearTimeout(kept.timer);
    forgetListeners(kept.worker);
    kept.worker.ref();
    return kept.worker;
  }
  const resourceLimits = { maxOldGenerationSizeMb: MEMORY_MB };
  return new Worker(workerFile, { execArgv: [], stdout: true, stderr: true, resourceLimits });
}

/** Each by its name: all at once would take those by which the thread is heard. */
function forgetListeners(worker: Worker): void {
  for (const name of ['message', 'error', 'exit']) worker.removeAllListeners(name);
}

function keep(worker: Worker): void {
  // Nothing that is kept holds up the end of the process.
  worker.unref();
  const drop = (): void => {
    const at = idle.findIndex((kept) => kept.worker === worker);
    if (at >= 0) idle.splice(at, 1);
    clearTimeout(timer);
    void worker.terminate();
  };
  const timer = setTimeout(drop, KEEP_MS).unref();
  worker.once('error', drop).once('exit', drop);
  idle.push({ worker, timer });
}

function throwFault(answer: DocumentAnswer): void {
  if (answer.fault === 'invalid') throw new TaskDocumentInvalidError(answer);
  if (answer.fault === 'refused') throw new TaskDocumentRefusedError(answer);
  if (answer.fault === 'unfit') throw new ValidationFailedError(answer);
}

function tooMuch(reason: string, cause?: unknown): TaskDocumentRefusedError {
  return new TaskDocumentRefusedError({ pointer: '', reason, hint: 'describe fewer operations and schemas', cause });
}
