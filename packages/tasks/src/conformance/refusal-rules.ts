import { TaskFailedError } from '@mad/core';
import { readAnswer } from '../client/answer/read-answer.ts';
import type { ServiceAnswer } from '../client/exchange/send-request.ts';
import { below } from '../client/exchange/service-call.ts';
import { buildRequest } from '../client/request/build-request.ts';
import { noFiles } from '../client/request/request-files.ts';
import { isJsonMediaType } from '../openapi/api-operation.ts';
import { type BrokenRequest, listIncomplete, listMistyped } from './break-request.ts';
import type { Verdict } from './conformance-report.ts';
import { describeAnswer, readErrorBody } from './describe-answer.ts';
import type { Inspection, TaskUnderTest } from './inspection.ts';
import { type Callable, failed, notExecuted, ofRequest, ofTask, passed, type Rule, skipped } from './rule.ts';
import { findTarget, sendBroken } from './send-broken.ts';
import { describeHealth } from './still-healthy.ts';

const PADDING = 1024 * 1024;
/** Says something else than that the request is wrong. */
const OTHER_REASONS = new Set([401, 403, 404, 405, 408, 425, 429]);

const isRefusal = (status: number): boolean => status >= 400 && status < 500 && !OTHER_REASONS.has(status);

/** Rules of requests that no service can answer with a result. */
export const refusalRules: readonly Rule[] = [
  {
    id: 'missing-property',
    level: 'must',
    holds: 'A request without a property that is required is refused with 4xx.',
    mend: 'hold requests against the schema before working, and answer 422; a 5xx would be tried again',
    check: ofRequest((task, inspection) => refuseOne(task, inspection, listIncomplete(task))),
  },
  {
    id: 'wrong-type',
    level: 'must',
    holds: 'A request with a property of a wrong type is refused with 4xx.',
    mend: 'hold requests against the schema before working, and answer 422; a 5xx would be tried again',
    check: ofRequest((task, inspection) => refuseOne(task, inspection, listMistyped(task))),
  },
  {
    id: 'broken-json',
    level: 'must',
    holds: 'A body that is not JSON is refused with 4xx.',
    mend: 'answer 400 where the body cannot be parsed',
    check: ofTask((task, inspection) =>
      refuseBody(task, inspection, { fault: 'broken JSON', body: '{"mad": ', isRight: isRefusal }),
    ),
  },
  {
    id: 'wrong-content-type',
    level: 'should',
    holds: 'A body of a content type that is not declared is refused with 415, 400 or 422.',
    mend: 'answer 415 to content types that the operation does not declare',
    check: ofTask((task, inspection) =>
      refuseBody(task, inspection, {
        fault: 'a content type that is not declared',
        body: 'mad',
        contentType: 'text/x-mad-check',
        isRight: (status) => status === 415 || status === 400 || status === 422,
      }),
    ),
  },
  {
    id: 'oversize-body',
    level: 'must',
    holds: 'A broken body of 1 MiB is refused with 4xx or by closing the connection, and the service lives on.',
    mend: 'read no more than you take, answer 413 beyond it, and see why the service ended or answered 5xx',
    check: ofTask(refuseOversize),
  },
  {
    id: 'error-body',
    level: 'should',
    holds: 'Refusals have the body `{"error": {"code": "UPPER_CASE", "message": "…"}}`.',
    mend: 'answer errors so; code and message then are those of the job that failed',
    async check({ refusals }) {
      const found = refusals.filter(({ answer }) => answer.status >= 400);
      if (found.length === 0) return skipped('nothing was refused');
      const other = found.find(({ answer }) => !readErrorBody(answer));
      return other ? failed(`${other.fault}: ${describeAnswer(other.answer)}`) : passed(`${found.length} refusals`);
    },
  },
  {
    id: 'errors-declared',
    level: 'should',
    holds: 'The document declares the statuses of refusals, by themselves, as 4XX or as default, and their bodies fit.',
    mend: 'add a response `default` with the schema of the error body',
    check: ofTask(async ({ interface: { execute } }, { refusals }) => {
      const found = refusals.filter(({ answer }) => answer.status >= 400);
      if (found.length === 0) return skipped('nothing was refused');
      const other = found.find(({ answer }) => !isDeclared(answer, execute));
      return other ? failed(`${other.fault}: ${describeAnswer(other.answer)}`) : passed(`${found.length} refusals`);
    }),
  },
  {
    id: 'credentials-required',
    level: 'should',
    holds: 'A task that declares security refuses the valid request without credentials, with 401 or 403.',
    mend: 'check credentials before anything else',
    check: ofRequest(refuseAnonymous),
  },
];

async function refuseOne(task: Callable, inspection: Inspection, broken: readonly BrokenRequest[]): Promise<Verdict> {
  for (const request of broken) {
    const answer = await sendBroken(task, inspection, request);
    if (!answer) continue;
    inspection.refusals.push({ fault: request.pointer, answer });
    const seen = `${request.pointer}: ${describeAnswer(answer)}`;
    return isRefusal(answer.status) ? passed(seen) : failed(seen);
  }
  return skipped('the schema refuses nothing of the kind');
}

interface StrangeBody {
  readonly fault: string;
  readonly body: string;
  /** @default that of the operation */
  readonly contentType?: string;
  readonly isRight: (status: number) => boolean;
}

async function refuseBody(
  task: TaskUnderTest,
  inspection: Inspection,
  { fault, body, contentType, isRight }: StrangeBody,
): Promise<Verdict> {
  const answer = await sendBody(task, inspection, { body, contentType });
  if ('outcome' in answer) return answer;
  inspection.refusals.push({ fault, answer });
  return isRight(answer.status) ? passed(describeAnswer(answer)) : failed(describeAnswer(answer));
}

async function sendBody(
  task: TaskUnderTest,
  inspection: Inspection,
  { body, contentType }: { readonly body: string; readonly contentType: string | undefined },
): Promise<ServiceAnswer | Extract<Verdict, { outcome: 'skipped' }>> {
  const { execute } = task.interface;
  const { content } = execute;
  const skip = (reason: string) => ({ outcome: 'skipped', reason }) as const;
  if (!content) return skip('the task takes no body');
  // Of anything but JSON no text is wrong by its form alone.
  if (!contentType && !isJsonMediaType(content.mediaType)) return skip('the task takes no JSON');
  const target = await findTarget(task, inspection);
  if (!target) return skip('there is no request to fill the path with');
  const headers = { ...target.headers, 'content-type': contentType ?? content.mediaType };
  const { 'content-length': _, ...own } = headers as Record<string, string>;
  const answer = await inspection.service.ask({ ...target, headers: own, body, security: execute.operation.security });
  await inspection.service.letGo(task.interface, answer);
  return answer;
}

async function refuseOversize(task: TaskUnderTest, inspection: Inspection): Promise<Verdict> {
  const body = `{"padding": "${'m'.repeat(PADDING)}`;
  let seen: string;
  try {
    const answer = await sendBody(task, inspection, { body, contentType: undefined });
    if ('outcome' in answer) return answer;
    seen = describeAnswer(answer);
    if (answer.status >= 500) return failed(seen);
  } catch (error) {
    if (!(error instanceof TaskFailedError) || error.failureCode !== 'CONNECTION_LOST') throw error;
    seen = 'the connection was closed';
  }
  const sick = await describeHealth(inspection);
  return sick ? failed(`${seen}; after it ${sick}`) : passed(seen);
}

function isDeclared(answer: ServiceAnswer, execute: TaskUnderTest['interface']['execute']): boolean {
  try {
    readAnswer(execute, answer);
    return true;
  } catch (error) {
    if (error instanceof TaskFailedError) return false;
    throw error;
  }
}

async function refuseAnonymous({ request, interface: task }: Callable, inspection: Inspection): Promise<Verdict> {
  const { security } = task.execute.operation;
  if (security.length === 0 || security.some(({ length }) => length === 0)) return skipped('the task is open to all');
  if (!inspection.execute) return notExecuted;
  const { service } = inspection;
  const { method, path, search, headers, body } = await buildRequest(task.execute, request.value, noFiles);
  const answer = await service.ask({ method, url: below(service.url, path, search), headers, body });
  await service.letGo(task, answer);
  const isRight = answer.status === 401 || answer.status === 403;
  return isRight ? passed(describeAnswer(answer)) : failed(describeAnswer(answer));
}
