import { isArtifactReference, NotFoundError, newId, type TaskIdentity, type TaskRunner } from '@mad/core';

/** Tasks that answer in this process, of which each fact of their identity can be changed alone. */
export interface VariableTasks extends TaskRunner {
  /** What `prepare` and `dock` are from the next published version on. */
  change(task: 'prepare' | 'dock', facts: Partial<TaskIdentity>): void;
  /** As they were first. */
  restore(): void;
  /** Requests that were answered. */
  readonly calls: number;
}

const first = (taskKey: string): TaskIdentity => ({
  taskKey,
  version: '1.0.0',
  interfaceDigest: '1'.repeat(64),
  producer: `sha256:${'2'.repeat(64)}`,
  determinism: 'seeded',
  architecture: 'linux/amd64',
  ignoredPointers: [],
  ignoredAnswerPointers: [],
  contentTypes: {},
});

export function createVariableTasks(): VariableTasks {
  const current = new Map<string, TaskIdentity>();
  const definitions = new Map<string, TaskIdentity>();
  const restore = () => {
    for (const taskKey of ['prepare', 'dock']) current.set(taskKey, first(taskKey));
  };
  restore();
  let calls = 0;
  const identityOf = (taskDefinitionId: string): TaskIdentity => {
    const identity = definitions.get(taskDefinitionId);
    if (!identity) throw new NotFoundError({ entity: 'task definition', id: taskDefinitionId });
    return identity;
  };
  return {
    restore,
    change: (task, facts) => void current.set(task, { ...first(task), ...facts }),
    get calls() {
      return calls;
    },
    async resolve(_orgId, task) {
      const identity = current.get(task.split('@', 1)[0] ?? '');
      if (!identity) throw new NotFoundError({ entity: 'task', id: task });
      const taskDefinitionId = newId();
      definitions.set(taskDefinitionId, identity);
      return { ...identity, taskDefinitionId, requestSchema: { type: 'object' }, responseSchema: { type: 'object' } };
    },
    prepare: async (_orgId, { taskDefinitionId, request }) => ({ request, identity: identityOf(taskDefinitionId) }),
    async run({ taskDefinitionId, request }) {
      calls++;
      const { version } = identityOf(taskDefinitionId);
      // Passed on as it is, so that what is prepared is the same whatever prepares it.
      const result = isArtifactReference(request.file) ? { prepared: request.file } : { poses: 1 };
      return { result, serviceId: newId(), serviceName: 'explained', schemaVersion: version, computeMs: 5 };
    },
  };
}
