import type { PublishedSpec } from '../pipeline/pipeline-spec.ts';
import type { AcceptedWork } from '../ports/task-runner.ts';
import type { EarlierRuns } from './earlier-runs.ts';
import type { ExecutorContext } from './executor-context.ts';
import { within } from './within.ts';

/** Work that a service took over for an attempt that nobody waits for any more. */
export interface AbandonedWork {
  readonly taskDefinitionId: string;
  readonly accepted: AcceptedWork;
}

/** What services took over for attempts of earlier runs of a job. */
export function listAbandonedWork({ tasks }: PublishedSpec, { attempts }: EarlierRuns): readonly AbandonedWork[] {
  return [...attempts].flatMap(([name, { accepted }]) => {
    const step = tasks.find((one) => one.name === name.replace(/\[.*$/s, ''));
    return step && accepted ? [{ taskDefinitionId: step.taskDefinitionId, accepted }] : [];
  });
}

/** The end of a job is no longer held up by a service that does not listen. */
const PATIENCE_MS = 2_000;

/** Tells services to stop what they took over for a job that ends. Never rejects: one that cannot be told ends the work by itself. */
export async function cancelAccepted(
  { orgId, tasks, logger }: Pick<ExecutorContext, 'orgId' | 'tasks' | 'logger'>,
  works: readonly AbandonedWork[],
): Promise<void> {
  const signal = new AbortController().signal;
  const tell = async ({ taskDefinitionId, accepted }: AbandonedWork): Promise<void> => {
    try {
      await within(Promise.resolve(tasks.cancel?.(orgId, { taskDefinitionId, accepted })), { signal, ms: PATIENCE_MS });
    } catch (err) {
      logger.warn({ org_id: orgId, external_id: accepted.externalId, err }, 'a service was not told to stop its work');
    }
  };
  await Promise.all(works.map(tell));
}
