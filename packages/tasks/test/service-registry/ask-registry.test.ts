import { connectPostgres, createLocalArtifactStore, type MetadataDatabase, newId } from '@mad/core';
import { expect, onTestFinished, test } from 'vitest';
import { createTaskRunner, TaskRegistryUnreachableError } from '../../src/index.ts';

test('a call that the Metadata DB knows nothing of because it is away may be made again: it is no failure of the task', async () => {
  const away = connectPostgres({ host: '/nonexistent' });
  onTestFinished(() => away.destroy());
  const metadata = away as unknown as MetadataDatabase;
  const artifacts = createLocalArtifactStore({ folder: '/nonexistent' });
  await using runner = createTaskRunner({ metadata, artifacts, allowedOrigins: [] });
  const taskDefinitionId = newId();
  const call = { taskDefinitionId, request: {}, jobId: newId(), stepName: 'dock', attempt: 0, timeoutMs: 5_000 };
  const running = runner.run({ ...call, orgId: newId(), idempotencyKey: 'one', signal: new AbortController().signal });
  await expect(running).rejects.toThrow(TaskRegistryUnreachableError);
  await expect(running).rejects.toMatchObject({ retryable: true });
});
