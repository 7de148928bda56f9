import { type TaskDefinitionRow, TaskFailedError } from '@mad/core';
import type { Instance } from './instance.ts';

/** Why there is no instance for a call, in the order in which the registry looks. */
export interface Shortage {
  readonly registered: readonly Instance[];
  /** Of these: neither draining nor in quarantine. */
  readonly offered: readonly Instance[];
  /** Of these: they answer. */
  readonly healthy: readonly Instance[];
  /** Of these: with a circuit that lets a call pass. Left, so they have no room. */
  readonly passable: readonly Instance[];
}

/** `taskKey@version`, as people write it. */
export function labelOf({ task_id, version }: TaskDefinitionRow): string {
  return `${task_id}@${version}`;
}

/** SERVICE_UNAVAILABLE, with what is in the way and what to do. */
export function unavailable(definition: TaskDefinitionRow, shortage: Shortage): TaskFailedError {
  const task = labelOf(definition);
  const { message, ...details } = explain(task, shortage);
  return new TaskFailedError({
    failureCode: 'SERVICE_UNAVAILABLE',
    message,
    retryable: true,
    details: { task, registered: shortage.registered.length, ...details },
  });
}

interface Explanation {
  readonly message: string;
  readonly nextTrialAt?: string;
  readonly capacity?: number;
  readonly load?: number;
}

function explain(task: string, { registered, offered, healthy, passable }: Shortage): Explanation {
  const services = `registered services of ${task}`;
  if (registered.length === 0)
    return {
      message: `no service is registered for ${task}; start one and register its address with registerTaskService`,
    };
  if (offered.length === 0) {
    const reason = registered.find(({ quarantine }) => quarantine)?.quarantine?.reason;
    const first = reason === undefined ? '' : `, the first because of: ${reason}`;
    return {
      message: `each of the ${registered.length} ${services} is draining or in quarantine${first}; start another, or see listTaskServiceHealth`,
    };
  }
  if (healthy.length === 0)
    return { message: `none of the ${offered.length} ${services} answers its health check; start one` };
  if (passable.length === 0) return explainOpen(services, healthy);
  const capacity = passable.reduce((sum, instance) => sum + (instance.capacity ?? 0), 0);
  const load = passable.reduce((sum, instance) => sum + instance.load, 0);
  const message = `all ${passable.length} ${services} have as much work as they can take (${load} of ${capacity}); start more, or call later`;
  return { message, capacity, load };
}

function explainOpen(services: string, healthy: readonly Instance[]): Explanation {
  const trials = healthy.flatMap(({ circuit: { nextTrialAt } }) => nextTrialAt ?? []);
  const next = trials.toSorted((a, b) => a.getTime() - b.getTime())[0]?.toISOString();
  const when = next === undefined ? 'one is being tried now' : `the next is tried at ${next}`;
  return {
    message: `calls to all ${healthy.length} ${services} failed again and again, and none is made for the moment; ${when}`,
    ...(next === undefined ? {} : { nextTrialAt: next }),
  };
}
