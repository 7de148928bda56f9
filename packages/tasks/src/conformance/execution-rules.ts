import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { findByPointer, systemClock, type TaskFailedError } from '@mad/core';
import { below } from '../client/exchange/service-call.ts';
import { buildRequest } from '../client/request/build-request.ts';
import { noFiles } from '../client/request/request-files.ts';
import type { Phase } from '../openapi/execution-contract.ts';
import { askOfExecution, findTakeover, listStates, phaseOf, takesOver } from './accepted-work.ts';
import type { Verdict } from './conformance-report.ts';
import { describeAnswer, describeFailure, tryReadJson } from './describe-answer.ts';
import type { Inspection } from './inspection.ts';
import {
  type Answering,
  type Callable,
  failed,
  notExecuted,
  ofAnswering,
  ofRequest,
  passed,
  type Rule,
  skipped,
} from './rule.ts';
import type { TaskAttempt } from './service-under-test.ts';

const POLL_MS = 200;
/** Work of a shorter time may end while it is being canceled. */
const LONG_ENOUGH_MS = 1_000;
const CANCEL_MS = 15_000;

/** Rules of the task at work. */
export const executionRules: readonly Rule[] = [
  {
    id: 'valid-request',
    level: 'must',
    holds:
      'A request that fits is answered in time with the status, content type and schema that the document declares.',
    mend: 'let the program and its document agree; pass a request if this one cannot succeed',
    check: ofRequest(callFirst),
  },
  {
    id: 'accepted-work',
    level: 'must',
    holds:
      'An answer that takes work over (202) says where to ask for it: `Location` of the same origin, or an id that the status operation takes.',
    mend: 'answer 202 with Location: /…/executions/<id>, or with {"execution_id": "…"}; info.x-mad.execution says where else an id stands',
    check: ofAccepted(async (_, { acceptedAs, failure }) =>
      acceptedAs === undefined ? failed(describe(failure)) : passed(acceptedAs),
    ),
  },
  {
    id: 'execution-ends',
    level: 'must',
    holds: 'Asked for its state, accepted work answers 200 with a state that is known, and comes to an end in time.',
    mend: 'answer {"status": "RUNNING", "progress": 0.4}, at the end COMPLETED with result or FAILED with error; info.x-mad.execution names other words',
    check: ofAccepted(async ({ interface: task }, attempt) => {
      if (attempt.acceptedAs === undefined) return skipped('the work could not be asked for');
      const states = listStates(task, attempt);
      const phase = phaseOf(task, states.at(-1));
      if (hasEnded(phase)) return passed(`${phase} after ${states.length} questions`);
      // A 303 ends it too, and leads to the result.
      return attempt.response ? passed('with the result elsewhere') : failed(describe(attempt.failure));
    }),
  },
  {
    id: 'progress',
    level: 'should',
    holds: 'Progress of accepted work is a number within 0..1, or up to what `progressMax` says, and never falls.',
    mend: 'report the fraction that is done, 0 to 1, and never less than before',
    check: ofAccepted(async ({ interface: task }, attempt) => {
      const { progress: pointer, progressMax } = task.execution;
      const told = listStates(task, attempt).map((state) => findByPointer(state, pointer));
      const steps = told.filter((progress) => progress !== undefined && progress !== null);
      if (steps.length === 0) return skipped('no progress is reported');
      const strange = steps.find((one) => typeof one !== 'number' || one < 0 || one > progressMax);
      if (strange !== undefined) return failed(`progress ${JSON.stringify(strange).slice(0, 40)}`);
      const falls = steps.findIndex((one, index) => index > 0 && Number(one) < Number(steps[index - 1]));
      if (falls > 0) return failed(`${steps[falls - 1]}, then ${steps[falls]}`);
      const last = steps.slice(-5).map((one) => (Number(one) / progressMax).toFixed(2));
      return passed(last.join(', '));
    }),
  },
  {
    id: 'cancellation',
    level: 'must',
    holds: 'Where work can be canceled, canceling ends it: its state is canceled then, or it is known no more.',
    mend: 'answer DELETE /executions/{execution_id} with 2xx, stop what runs, and let its status become CANCELED',
    check: ofAnswering(cancelOne),
  },
  {
    id: 'idempotent-repetition',
    level: 'must',
    holds: 'Where `Idempotency-Key` is declared, the same request under the same key brings the same response.',
    mend: 'keep responses under their key for some minutes, and let a repetition join work that still runs',
    check: ofAnswering(async ({ interface: task, request, first }, { service, firstKey }) => {
      if (!task.execute.operation.takesIdempotencyKey) return skipped('the task declares no Idempotency-Key');
      const again = await service.callTask({ task, request: request.value, key: firstKey });
      if (!again.response) return failed(describe(again.failure));
      if (again.acceptedAs !== undefined && again.acceptedAs !== first.acceptedAs) return failed('another execution');
      return isDeepStrictEqual(again.response, first.response)
        ? passed('the same response')
        : failed('another response');
    }),
  },
  {
    id: 'concurrent-requests',
    level: 'must',
    holds: 'Two requests at a time are both answered; one of them may be told to come again (503 or 429).',
    mend: 'let requests wait for each other, or answer 503 with Retry-After',
    check: ofAnswering(async ({ interface: task, request }, inspection) => {
      const call = () => inspection.service.callTask({ task, request: request.value });
      const attempts = await Promise.all([call(), call()]);
      inspection.responses.push(
        ...attempts.map(({ response }) => response).filter((response) => response !== undefined),
      );
      const failures = attempts.flatMap(({ failure }) => failure ?? []);
      const isBusy = ({ details }: TaskFailedError) => details.status === 503 || details.status === 429;
      const [worst] = failures.filter((failure) => !isBusy(failure));
      if (worst) return failed(describe(worst));
      if (failures.length === 2) return failed(`both: ${describe(failures[0])}`);
      return passed(failures.length === 1 ? 'one was told to come again' : 'both were answered');
    }),
  },
];

async function callFirst({ interface: task, request }: Callable, inspection: Inspection): Promise<Verdict> {
  if (!inspection.execute) return notExecuted;
  const key = `mad-check-${randomUUID()}`;
  const first = await inspection.service.callTask({ task, request: request.value, key });
  inspection.first = first;
  inspection.firstKey = key;
  const { response, failure, ms } = first;
  if (failure) {
    const isUnlucky = request.origin === 'sample' && isOfDomain(failure);
    return isUnlucky
      ? skipped(`the request made of the schema was refused (${describe(failure)}); pass one`)
      : failed(describe(failure));
  }
  if (response) inspection.responses.push(response);
  const takeover = findTakeover(task, first);
  if (takeover && !task.execute.findAnswer(takeover.status)) return failed(`${takeover.status}, which is not declared`);
  return passed(`answered in ${Math.round(ms)} ms`);
}

/** What a program says of a request, and not of itself. */
function isOfDomain({ retryable, failureCode, details }: TaskFailedError): boolean {
  const isOfCaller =
    details.status === 401 || details.status === 403 || details.status === 404 || details.status === 405;
  return !retryable && !isOfCaller && failureCode !== 'CONTRACT_VIOLATION' && failureCode !== 'RESPONSE_TOO_LARGE';
}

function ofAccepted(check: (task: Callable, first: TaskAttempt) => Promise<Verdict>): Rule['check'] {
  return ofRequest(async (task, { first, execute }) => {
    if (!execute) return notExecuted;
    if (!first) return skipped('the task could not be called');
    return findTakeover(task.interface, first) ? check(task, first) : skipped('the task answered at once');
  });
}

const hasEnded = (phase: Phase | undefined): boolean => phase !== undefined && phase !== 'running';

const tooShort = skipped('the work ended before it could be canceled; pass a request that takes longer');

async function cancelOne({ interface: task, request, first }: Answering, { service }: Inspection): Promise<Verdict> {
  if (!findTakeover(task, first)) return skipped('the task answered at once');
  const { status, cancel } = task.execution;
  if (!cancel) return skipped('the document has no operation that cancels');
  const { path, search, ...built } = await buildRequest(task.execute, request.value, noFiles);
  const { security } = task.execute.operation;
  const accepted = await service.ask({ ...built, url: below(service.url, path, search), security });
  if (!takesOver(task, accepted)) return failed(`the same request now is answered ${describeAnswer(accepted)}`);
  const { externalId } = service.findExecution(task, accepted);
  if (externalId.startsWith('/') && cancel.operation.method !== 'delete')
    return skipped('the work has an address alone, and its cancel operation takes an id');
  const ask = async (operation: typeof cancel | undefined) =>
    service.ask(await askOfExecution(task, { serviceUrl: service.url, operation, externalId }));
  if (hasEnded(phaseOf(task, tryReadJson(await ask(status))))) return tooShort;
  const canceled = await ask(cancel);
  if (canceled.status < 200 || canceled.status > 299)
    return failed(`${cancel.operation.id} answered ${describeAnswer(canceled)}`);
  const until = performance.now() + Math.min(CANCEL_MS, service.timeoutMs);
  while (performance.now() < until) {
    const answer = await ask(status);
    if (answer.status === 404 || answer.status === 410) return passed('canceled, and known no more');
    const phase = phaseOf(task, tryReadJson(answer));
    if (phase === 'canceled') return passed('canceled');
    if (hasEnded(phase)) return first.ms < LONG_ENOUGH_MS ? tooShort : failed(`${phase} after it was canceled`);
    await systemClock.sleep(POLL_MS, service.signal);
  }
  return failed('still going on after it was canceled');
}

const describe = (failure: TaskFailedError | undefined): string => (failure ? describeFailure(failure) : 'no result');
