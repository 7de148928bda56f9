import { parentPort } from 'node:worker_threads';
import { isMadError, type JsonObject, ValidationFailedError, type ValidationIssue } from '@mad/core';
import { TaskDocumentInvalidError, TaskDocumentRefusedError } from '../errors.ts';
import { createTaskInterface } from '../openapi/task-interface.ts';
import { checkDocument } from './check-document.ts';

/** What the worker is given: a document that has passed `parseDocument`. */
export interface DocumentQuestion {
  readonly document: JsonObject;
  /** Its task is read too, and the schemas of that compiled. */
  readonly isTask: boolean;
}

/** What it answers; undefined: nothing is wrong. */
export type DocumentAnswer =
  | { readonly fault: undefined }
  | { readonly fault: 'invalid'; readonly pointer: string; readonly reason: string }
  | { readonly fault: 'refused'; readonly pointer: string; readonly reason: string; readonly hint: string }
  | { readonly fault: 'unfit'; readonly subject: string; readonly issues: readonly ValidationIssue[] };

async function answer({ document, isTask }: DocumentQuestion): Promise<DocumentAnswer> {
  try {
    await checkDocument(document);
    if (isTask) {
      const { checkRequest, checkResponse } = createTaskInterface(document);
      checkRequest({});
      checkResponse({});
    }
    return { fault: undefined };
  } catch (error) {
    return toFault(error);
  }
}

function toFault(error: unknown): DocumentAnswer {
  if (error instanceof TaskDocumentInvalidError) {
    const { pointer, reason } = error;
    return { fault: 'invalid', pointer, reason };
  }
  if (error instanceof TaskDocumentRefusedError) {
    const { pointer, reason, hint } = error;
    return { fault: 'refused', pointer, reason, hint };
  }
  if (error instanceof ValidationFailedError)
    return { fault: 'unfit', subject: String(error.details.subject), issues: error.issues };
  const reason = error instanceof Error ? error.message : String(error);
  if (isMadError(error) || error instanceof RangeError) return { fault: 'invalid', pointer: '', reason };
  throw error;
}

parentPort?.on('message', async (question: DocumentQuestion) => parentPort?.postMessage(await answer(question)));
