import { publishPipeline } from '@mad/core';
import { deregisterTaskService, listTaskServiceHealth, registerTask, registerTaskService } from '@mad/tasks';
import { request } from 'undici';
import { dockingPipeline } from './docking-pipeline.ts';
import type { OpenedPlatform } from './open-platform.ts';

const TASKS = ['prepare-receptor', 'prepare-ligand', 'dock'];

/** Registers the service's three tasks from their OpenAPI documents and publishes the pipeline made of them. Repeating it changes nothing. */
export async function registerDocking(
  { platform, caller }: OpenedPlatform,
  { serviceUrl, dock }: { serviceUrl: string; dock: string },
): Promise<void> {
  const { metadata } = platform;
  for (const taskKey of TASKS) {
    const document = await readDocument(`${serviceUrl}/${taskKey}/openapi.json`);
    const { task_definition_id: taskDefinitionId } = await registerTask(metadata, caller, { document });
    // Instances of earlier runs are gone.
    const { items } = await listTaskServiceHealth(metadata, caller, { taskDefinitionId });
    for (const { serviceId } of items) await deregisterTaskService(metadata, caller, { serviceId });
    await registerTaskService(metadata, caller, { taskDefinitionId, serviceUrl: `${serviceUrl}/${taskKey}` });
  }
  await publishPipeline(platform, caller, {
    name: 'docking',
    version: '1.0.2',
    description: 'Prepare a protein and a molecule side by side, then dock one into the other',
    spec: dockingPipeline({ dock }),
  });
}

async function readDocument(url: string): Promise<object> {
  const { statusCode, body } = await request(url, { headersTimeout: 5_000 }).catch((cause: unknown) => {
    throw new ServiceUnreachableError(url, cause);
  });
  if (statusCode !== 200) throw new ServiceUnreachableError(url, statusCode);
  return (await body.json()) as object;
}

/** Thrown when the docking service cannot be asked for its documents. */
export class ServiceUnreachableError extends Error {
  constructor(url: string, cause: unknown) {
    super(`no docking service answers at ${url}; start one with: node examples/vina-service/src/main.ts --port 8080`, {
      cause,
    });
  }
}
