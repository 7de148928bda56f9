import type { RuleFacts, Verdict } from './conformance-report.ts';
import type { Inspection, TaskUnderTest } from './inspection.ts';
import type { MadeRequest } from './make-request.ts';
import type { TaskAttempt } from './service-under-test.ts';

/** One thing that a run finds out of a service. */
export interface Rule extends RuleFacts {
  /** A TaskFailedError that it throws is a failure of the rule. */
  readonly check: (inspection: Inspection) => Promise<Verdict>;
}

export const passed = (seen: string): Verdict => ({ outcome: 'passed', seen });
export const failed = (seen: string): Verdict => ({ outcome: 'failed', seen });
export const skipped = (reason: string): Verdict => ({ outcome: 'skipped', reason });

/** Skips where no document of a task could be read. */
export function ofTask(check: (task: TaskUnderTest, inspection: Inspection) => Promise<Verdict>): Rule['check'] {
  return async (inspection) =>
    inspection.task ? check(inspection.task, inspection) : skipped('there is no document of a task to go by');
}

/** A task and a request that fits it. */
export interface Callable extends TaskUnderTest {
  readonly request: MadeRequest;
}

/** Skips where there is no request to send. */
export function ofRequest(check: (task: Callable, inspection: Inspection) => Promise<Verdict>): Rule['check'] {
  return ofTask(async (task, inspection) => {
    const { request } = inspection;
    return request ? check({ ...task, request }, inspection) : skipped('there is no request that fits; pass one');
  });
}

/** A task whose first call was answered with a result. */
export interface Answering extends Callable {
  readonly first: TaskAttempt;
}

/** Skips where the task is not to be executed, or its first call brought no result. */
export function ofAnswering(check: (task: Answering, inspection: Inspection) => Promise<Verdict>): Rule['check'] {
  return ofRequest(async (task, inspection) => {
    const { first, execute } = inspection;
    if (!execute) return notExecuted;
    return first?.response ? check({ ...task, first }, inspection) : skipped('the valid request brought no result');
  });
}

export const notExecuted = skipped('executions are left out of this run');
