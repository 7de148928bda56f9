import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { ValidationFailedError } from '@mad/core';
import { TaskDocumentInvalidError, TaskDocumentRefusedError } from '../errors.ts';
import type { DocumentAnswer, DocumentQuestion } from './document-worker.ts';

const workerFile = createRequire(import.meta.url).resolve('@mad/tasks/document-worker');

/** A document of 5 MB that is made for people takes two seconds. */
const TIMEOUT_MS = 10_000;
const MEMORY_MB = 512;

/**
 * Holds a document against the OpenAPI specification in a thread of its own, which may take ten seconds and 512 MB: whoever wrote the document blocks
 * nobody, and ends no process.
 * @throws {TaskDocumentInvalidError} when it is not OpenAPI, or, of a task, has no operation that can be one.
 * @throws {TaskDocumentRefusedError} when that takes too long or too much memory.
 * @throws {ValidationFailedError} when a schema of a task cannot be compiled.
 */
export async function checkApart(question: DocumentQuestion): Promise<void> {
  const worker = new Worker(workerFile, {
    workerData: question,
    execArgv: [],
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB },
  });
  const { promise, resolve, reject } = Promise.withResolvers<DocumentAnswer>();
  const timer = setTimeout(() => reject(tooMuch(`checking it takes longer than ${TIMEOUT_MS / 1_000} s`)), TIMEOUT_MS);
  worker.once('message', resolve);
  worker.once('error', (cause) => reject(tooMuch(`checking it takes more than ${MEMORY_MB} MB, or breaks off`, cause)));
  worker.once('exit', () => reject(tooMuch('checking it breaks off')));
  try {
    throwFault(await promise);
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}

function throwFault(answer: DocumentAnswer): void {
  if (answer.fault === 'invalid') throw new TaskDocumentInvalidError(answer);
  if (answer.fault === 'refused') throw new TaskDocumentRefusedError(answer);
  if (answer.fault === 'unfit') throw new ValidationFailedError(answer);
}

function tooMuch(reason: string, cause?: unknown): TaskDocumentRefusedError {
  return new TaskDocumentRefusedError({ pointer: '', reason, hint: 'describe fewer operations and schemas', cause });
}
