import {
  type Caller,
  connectPostgres,
  createInProcessQueue,
  inAllOrganizations,
  insertOrganization,
  type MetadataDatabase,
  migrateMetadata,
  migrateResults,
  type PipelineSpecInput,
  publishPipeline,
} from '@mad/core';
import type { Kysely } from 'kysely';
import { BRANCHES, type Graph } from '../contender.ts';
import { connectMad } from './connect-mad.ts';
import { ORG_ID, SCHEMA } from './mad-organization.ts';

export const CALLER: Caller = {
  orgId: ORG_ID,
  userId: null,
  permissions: new Set(['job.create', 'job.view', 'pipeline.create']),
};

/** The two pipelines, by graph. */
export const PIPELINES: Readonly<Record<Graph, PipelineSpecInput>> = {
  chain: {
    version: 1,
    tasks: ['step-1', 'step-2', 'step-3'].map((name, at) => step(name, at === 0 ? [] : [`step-${at}`])),
  },
  'fan-out': {
    version: 1,
    tasks: [step('start'), ...branchNames().map((name) => step(name, ['start'])), step('join', branchNames())],
  },
};

/** Both databases of mad in one, one organization, both pipelines published. */
export async function prepareMad(url: string): Promise<void> {
  const db = connectPostgres({ connectionString: url, max: 2 });
  await fillMad(db).finally(() => db.destroy());
}

/** The same through a handle of the caller's. */
export async function fillMad(db: Kysely<unknown>): Promise<void> {
  await migrateMetadata(db);
  await migrateResults(db, { schema: SCHEMA, orgId: ORG_ID });
  await inAllOrganizations(db as unknown as MetadataDatabase, (tx) =>
    insertOrganization(tx, { org_id: ORG_ID, name: 'bench', status: 'active' }),
  );
  const { platform } = connectMad(db, { queue: createInProcessQueue(), onRun: () => {}, folder: '/nonexistent' });
  for (const [name, spec] of Object.entries(PIPELINES))
    await publishPipeline(platform, CALLER, { name, version: '1.0.0', spec });
}

function step(name: string, dependsOn: readonly string[] = []): PipelineSpecInput['tasks'][number] {
  return { name, task: 'noop@^1', dependsOn: [...dependsOn], cache: 'off' };
}

export function branchNames(): string[] {
  return Array.from({ length: BRANCHES }, (_, at) => `branch-${at}`);
}
