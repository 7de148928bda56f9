import { isDeepStrictEqual } from 'node:util';
import { findByPointer, systemClock } from '@mad/core';
import { readTaskDeclaration } from '../definition/task-declaration.ts';
import type { Verdict } from './conformance-report.ts';
import { describeFailure } from './describe-answer.ts';
import type { Inspection } from './inspection.ts';
import { type Answering, failed, ofAnswering, passed, type Rule, skipped } from './rule.ts';
import { describeHealth } from './still-healthy.ts';

const MAX_PATIENCE_MS = 1_000;

/** Rules of a service that has already worked. */
export const enduranceRules: readonly Rule[] = [
  {
    id: 'client-disconnect',
    level: 'must',
    holds: 'A caller that leaves in the middle of an execution leaves a service that lives on.',
    mend: 'expect a response to be closed before it is written, and stop the work that nobody waits for',
    check: ofAnswering(leave),
  },
  {
    id: 'repeated-requests',
    level: 'must',
    holds: 'The same request, sent again after all that, is answered as well as the first time.',
    mend: 'look for what an execution leaves behind: files, processes, locks, memory',
    check: ofAnswering(async ({ interface: task, request }, inspection) => {
      const { repetitions, service, responses } = inspection;
      for (let count = 1; count < repetitions; count++) {
        const { response, failure } = await service.callTask({ task, request: request.value });
        if (!response) return failed(`call ${count + 1}: ${failure ? describeFailure(failure) : 'no result'}`);
        responses.push(response);
      }
      return passed(`${repetitions} calls one after another`);
    }),
  },
  {
    id: 'equal-responses',
    level: 'must',
    holds:
      'Equal requests give equal responses where determinism is `exact`, or `seeded` and the request has a `seed`.',
    mend: 'leave times, paths and random ids out of the response, or declare another determinism',
    check: ofAnswering(compareResponses),
  },
  {
    id: 'no-redirects',
    level: 'must',
    holds:
      'Nothing is answered with a redirect, but for a 303 that is declared and leads to the result of accepted work.',
    mend: 'register the address that the redirect leads to, and look at slashes at the end of paths',
    async check({ task, service: { answers } }) {
      const isDeclared = task?.interface.execution.status?.findAnswer(303)?.status === '303';
      const isRedirect = (status: number) => status >= 300 && status < 400 && !(status === 303 && isDeclared);
      const found = answers.find(({ status }) => isRedirect(status));
      if (!found) return passed(`${answers.length} answers`);
      return failed(`${found.method} ${found.path} answered ${found.status}`);
    },
  },
  {
    id: 'not-compressed',
    level: 'should',
    holds: 'No answer is compressed: this is not asked for.',
    mend: 'heed Accept-Encoding: identity; gzip, deflate and br are undone at a cost, and nothing else is read',
    async check({ service: { answers } }) {
      const found = answers.find(({ headers }) => !/^(?:identity)?$/.test(String(headers['content-encoding'] ?? '')));
      if (!found) return passed(`${answers.length} answers`);
      return failed(`${found.method} ${found.path} answered with ${String(found.headers['content-encoding'])}`);
    },
  },
];

async function leave({ interface: task, request, first }: Answering, inspection: Inspection): Promise<Verdict> {
  const { service } = inspection;
  const afterMs = Math.min(Math.max(first.ms / 2, 1), MAX_PATIENCE_MS);
  const leaving = AbortSignal.timeout(Math.ceil(afterMs));
  await service.callTask({ task, request: request.value, signal: leaving });
  // What a lost connection breaks may break a moment later.
  await systemClock.sleep(100, service.signal);
  const sick = await describeHealth(inspection);
  return sick ? failed(sick) : passed(`left after ${Math.ceil(afterMs)} ms`);
}

async function compareResponses({ document, request }: Answering, { responses }: Inspection): Promise<Verdict> {
  const { determinism } = readTaskDeclaration(document, { taskKey: 'any', version: '0.0.0' });
  const seed = findByPointer(request.value, '/seed') ?? findByPointer(request.value, '/body/seed');
  if (determinism === 'seeded' && seed === undefined) return skipped('the request has no seed');
  if (determinism !== 'exact' && determinism !== 'seeded') return skipped(`determinism is ${determinism}`);
  if (responses.length < 2) return skipped('there is one response only');
  const other = responses.findIndex((response) => !isDeepStrictEqual(response, responses[0]));
  return other > 0
    ? failed(`response ${other + 1} is another than the first`)
    : passed(`${responses.length} responses`);
}
