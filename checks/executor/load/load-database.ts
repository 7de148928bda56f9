import {
  createInProcessQueue,
  createLocalArtifactStore,
  inAllOrganizations,
  inOrganization,
  insertOrganization,
  listTaskDefinitions,
  type MetadataDatabase,
  migrateMetadata,
  migrateResults,
  openMetadataDatabase,
  openResultsDatabase,
  type Platform,
  publishPipeline,
} from '@mad/core';
import { createTaskRunner, registerTask, registerTaskService } from '@mad/tasks';
import type { DatabaseTemplate } from '@mad/testkit';
import { CHAIN, specOf } from '../work/work-graphs.ts';
import { work } from '../work/work-service.ts';
import { PAIR, SINGLE, SINGLE_GPU } from './load-graphs.ts';
import { ORGANIZATIONS } from './load-platform.ts';

/** Both databases in one: in every organization the task `work` and the pipelines of the checks. */
export const loadDatabase: DatabaseTemplate<unknown> = {
  name: 'checks_load',
  async fill(db) {
    await migrateMetadata(db);
    const metadata = await openMetadataDatabase(db, { allowPrivileged: true });
    const artifacts = createLocalArtifactStore({ folder: '/nonexistent' });
    await using tasks = createTaskRunner({ metadata, artifacts, allowedOrigins: [] });
    for (const { orgId, schema, caller } of ORGANIZATIONS) {
      await migrateResults(db, { schema, orgId });
      await inAllOrganizations(metadata, (tx) =>
        insertOrganization(tx, { org_id: orgId, name: schema, status: 'active' }),
      );
      await registerTask(metadata, caller, { document: work.document });
      const results = openResultsDatabase(db, { schema });
      const platform: Platform = {
        ...{ metadata, artifacts, tasks, queue: createInProcessQueue() },
        results: { get: async () => results },
      };
      for (const graph of [CHAIN, PAIR, SINGLE])
        await publishPipeline(platform, caller, { name: graph.name, version: '1.0.0', spec: specOf(graph) });
      await publishPipeline({ ...platform, tasks: onGpu(tasks) }, caller, {
        name: SINGLE_GPU.name,
        version: '1.0.0',
        spec: specOf(SINGLE_GPU),
      });
    }
  },
};

/** The same tasks, of which every one says that it needs a GPU. */
function onGpu(tasks: Platform['tasks']): Platform['tasks'] {
  return {
    resolve: async (orgId, task) => ({ ...(await tasks.resolve(orgId, task)), resourceClass: 'gpu' }),
    prepare: (orgId, call) => tasks.prepare(orgId, call),
    run: (call) => tasks.run(call),
  };
}

/** Tells every organization where `work` is served. */
export async function registerLoadService(metadata: MetadataDatabase, serviceUrl: string): Promise<void> {
  for (const { orgId, caller } of ORGANIZATIONS) {
    const { items } = await inOrganization(metadata, orgId, (tx) => listTaskDefinitions(tx, {}));
    for (const { task_definition_id: taskDefinitionId } of items)
      await registerTaskService(metadata, caller, { taskDefinitionId, serviceUrl: `${serviceUrl}/work` });
  }
}
