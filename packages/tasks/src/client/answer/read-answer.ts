import { type JsonValue, TaskFailedError, type ValidationIssue } from '@mad/core';
import { isJsonMediaType, toMediaType } from '../../openapi/api-operation.ts';
import type { AnswerInterface, ContentInterface, OperationInterface } from '../../openapi/operation-interface.ts';
import type { ServiceAnswer } from '../exchange/send-request.ts';
import { contractViolation, readJsonBody, readText, requirePlain } from './read-json-body.ts';
import { failureOfAnswer } from './service-failure.ts';

/** An answer that its document declares. */
export interface DeclaredAnswer {
  readonly status: number;
  readonly header: (name: string) => string | undefined;
  /** As declared; undefined where the answer has no body. */
  readonly content: ContentInterface | undefined;
  /** JSON, text, the bytes of a file or what stands for them; undefined without a body. */
  readonly body: JsonValue | Buffer | undefined;
}

/**
 * Holds an answer against what the operation declares for its status.
 * @throws {TaskFailedError} CONTRACT_VIOLATION for what is not declared or breaks its schema; for an undeclared failure what the service says of it.
 */
export function readAnswer(api: OperationInterface, answer: ServiceAnswer): DeclaredAnswer {
  const { status, header } = answer;
  const declared = api.findAnswer(status);
  const isFailure = status >= 400;
  const isRedirect = status >= 300 && status < 400;
  if (!declared || (isRedirect && declared.status === 'default')) {
    if (isFailure || isRedirect) throw failureOfAnswer(answer);
    throw contractViolation(`answered ${status}, which its document does not declare`);
  }
  if (declared.contents.length === 0) return { status, header, content: undefined, body: undefined };
  try {
    return { status, header, ...readBody(declared, answer) };
  } catch (error) {
    // Behind a declared failure may stand a proxy's page: the status says what there is to say.
    throw isFailure && error instanceof TaskFailedError ? failureOfAnswer(answer) : error;
  }
}

function readBody(
  declared: AnswerInterface,
  answer: ServiceAnswer,
): { readonly content: ContentInterface; readonly body: JsonValue | Buffer } {
  const given = toMediaType(answer.header('content-type') ?? '');
  const content = findContent(declared.contents, given);
  if (!content) {
    const expected = declared.contents.map(({ mediaType }) => mediaType).join(' or ');
    const isEmpty = answer.body.byteLength === 0 && answer.stored === undefined;
    const got = isEmpty ? 'without a body' : `with ${given.slice(0, 60) || 'no content type'}`;
    throw contractViolation(`answered ${answer.status} ${got} where its document declares ${expected}`);
  }
  if (answer.stored !== undefined) return { content, body: answer.stored };
  requirePlain(answer);
  if (isJsonMediaType(given)) return { content, body: requireFit(content, readJsonBody(answer)) };
  if (given.startsWith('text/')) return { content, body: requireFit(content, readText(answer)) };
  return { content, body: answer.body };
}

/** Declared as it is, else by the range that holds it. */
function findContent(contents: readonly ContentInterface[], given: string): ContentInterface | undefined {
  const range = `${given.split('/')[0]}/*`;
  const names = given === '' ? [] : [given, range, '*/*'];
  return names.map((name) => contents.find(({ mediaType }) => mediaType === name)).find((found) => found !== undefined);
}

function requireFit<T extends JsonValue>(content: ContentInterface, value: T): T {
  const issues = content.check(value);
  if (issues.length > 0) throw violationOf(issues);
  return value;
}

export function violationOf(issues: readonly ValidationIssue[]): TaskFailedError {
  const shown = issues.slice(0, 3).map(({ pointer, message }) => `${pointer || '(root)'} ${message}`);
  return contractViolation(`answered with a response that its document does not allow (${shown.join('; ')})`, {
    issues,
  });
}
