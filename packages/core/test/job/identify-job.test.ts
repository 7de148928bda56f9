import { expect, test } from 'vitest';
import { type JsonObject, newId, parsePublishedSpec } from '../../src/index.ts';
import { identifyJob } from '../../src/job/identify-job.ts';
import { createMemoryCache } from '../executor/memory-cache.ts';
import { ORG_ID } from '../executor/test-platform.ts';

const cache = createMemoryCache({ jobKey: (job) => JSON.stringify(job) });
const DEFINITION_ID = newId();
const identity = {
  ...{ taskKey: 'dock', version: '1.0.0', interfaceDigest: 'i', producer: null, architecture: null },
  ...{ determinism: 'exact', ignoredPointers: [], ignoredAnswerPointers: [], contentTypes: {} },
};
const FROM = { from: '/parameters/ligands' };
const prepare: JsonObject = { name: 'prepare', task: 'dock@^1', taskDefinitionId: DEFINITION_ID, identity };
const dock: JsonObject = {
  ...{ ...prepare, name: 'dock', dependsOn: ['prepare'], inputs: { smiles: { from: '/item' } } },
  ...{ parameters: { n: 1 }, when: { ...FROM, exists: true }, forEach: { items: FROM, key: '/id' } },
};
const outputs = { best: { from: '/steps/prepare/output/best' } };
const docking = { poses: { from: '/steps/prepare/output/poses' } };

/** The key of the job, with the second step and the rest of the pipeline as given. */
async function keyOf(step: JsonObject = {}, rest: JsonObject = {}): Promise<string | undefined> {
  const tasks = [prepare, { ...dock, ...step }];
  const spec = parsePublishedSpec({ version: 1, resourceClass: 'cpu', outputs, docking, tasks, ...rest });
  const found = await identifyJob(cache, { orgId: ORG_ID, spec, inputs: {}, parameters: {} });
  return found?.cacheKey;
}

test.each<[string, JsonObject, JsonObject]>([
  ['the name of a step', { name: 'docks' }, {}],
  ['what a step depends on', { dependsOn: [] }, {}],
  ['where an input comes from', { inputs: { smiles: FROM } }, {}],
  ['a parameter of a step', { parameters: { n: 2 } }, {}],
  ['the condition of a step', { when: { ...FROM, exists: false } }, {}],
  ['the list that a step goes through', { forEach: { items: { from: '/parameters/others' }, key: '/id' } }, {}],
  ['what names an item of it', { forEach: { items: FROM, key: '/name' } }, {}],
  ['the task of a step', { identity: { ...identity, version: '1.0.1' } }, {}],
  ['the outputs', {}, { outputs: {} }],
  ['where the poses are', {}, { docking: { poses: { from: '/steps/prepare/output/other' } } }],
  ['what is done with suspicious results', {}, { cache: { suspicious: 'serve' } }],
])('another job: %s', async (_name, step, rest) => {
  expect(await keyOf(step, rest)).not.toBe(await keyOf());
});

test.each<[string, JsonObject, JsonObject]>([
  ['how often a step is tried', { retry: { attempts: 9 } }, {}],
  ['how long a step may take', { timeoutMs: 5 }, {}],
  ['what its failure means', { onFailure: 'continue' }, {}],
  ['how many items run at once', { forEach: { items: FROM, key: '/id', concurrency: 2 } }, {}],
  ['how long the job may take', {}, { timeoutMs: 5 }],
  ['where it runs', {}, { resourceClass: 'gpu' }],
  ['how good a cached result must be', {}, { cache: { minConfidence: 0.5 } }],
])('the same job: %s', async (_name, step, rest) => {
  expect(await keyOf(step, rest)).toBe(await keyOf());
});

test.each(['refresh', 'off'])('a job has no key where a step has its cache at %s', async (wish) => {
  expect(await keyOf({ cache: wish })).toBeUndefined();
});
