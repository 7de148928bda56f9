import { createResultCache } from '@mad/cache';
import {
  type Caller,
  connectPostgres,
  createInProcessQueue,
  createLocalArtifactStore,
  type MetadataDatabase,
  type PipelineSpecInput,
  type Platform,
  publishPipeline,
} from '@mad/core';
import { connectMad } from '../../durable/mad/connect-mad.ts';
import { ORG_ID } from '../../durable/mad/mad-organization.ts';
import { fillMad } from '../../durable/mad/prepare-mad.ts';

export const caller: Caller = {
  orgId: ORG_ID,
  userId: null,
  permissions: new Set(['job.create', 'job.view', 'job.results.view', 'pipeline.create']),
};

const PIPELINE = 'cached-chain';
const STEPS = ['step-1', 'step-2', 'step-3'];

/** Three steps, one after the other, of which the cache remembers each and the whole. */
const CACHED_CHAIN: PipelineSpecInput = {
  version: 1,
  tasks: STEPS.map((name, at) => ({ name, task: 'noop@^1', dependsOn: STEPS.slice(Math.max(0, at - 1), at) })),
};

/** The one job that is asked for again and again. */
export const REQUEST = { pipeline: PIPELINE };

export interface CachedPlatform extends AsyncDisposable {
  readonly platform: Platform;
}

/** An organization whose only pipeline is cached, in an empty database. */
export async function openCachedPlatform(given: { url: string; folder: string }): Promise<CachedPlatform> {
  const { url: connectionString, folder } = given;
  await using made = new AsyncDisposableStack();
  const db = made.adopt(connectPostgres({ connectionString, max: 4 }), (kysely) => kysely.destroy());
  await fillMad(db);
  const connected = connectMad(db, { queue: createInProcessQueue(), folder, onRun: () => {} });
  const artifacts = createLocalArtifactStore({ folder });
  const metadata = db as unknown as MetadataDatabase;
  const cache = made.use(createResultCache({ artifacts, metadata }));
  const platform: Platform = { ...connected.platform, artifacts, cache };
  await publishPipeline(platform, caller, { name: PIPELINE, version: '1.0.0', spec: CACHED_CHAIN });
  const stack = made.move();
  return { platform, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}
