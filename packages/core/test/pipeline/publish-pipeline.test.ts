import { afterAll, beforeAll, expect, test } from 'vitest';
import { getPublishedPipeline, type JsonObject, type ResolvedTask, type TaskRunner } from '../../src/index.ts';
import { type PublishPipeline, publishPipeline } from '../../src/pipeline/publish-pipeline.ts';
import { createTestTasks, openTestPlatform, step, type TestPlatform } from '../executor/test-platform.ts';

const text = { type: 'string' };
const schemas: Readonly<Record<string, Partial<ResolvedTask>>> = {
  plain: { requestSchema: { type: 'object', properties: { task: text, ligand: { ...text, maxLength: 10 } } } },
  large: { resourceClass: 'gpu' },
};
const answer = () => ({});
const base = createTestTasks({ plain: answer, large: answer });
const tasks: TaskRunner = {
  run: base.run,
  prepare: base.prepare,
  resolve: async (orgId, task) => ({ ...(await base.resolve(orgId, task)), ...schemas[task.split('@')[0] ?? ''] }),
};

let host: TestPlatform;
beforeAll(async () => {
  host = await openTestPlatform('pglite', tasks);
});
afterAll(() => host[Symbol.asyncDispose]());

test('publishing returns what is not proven, also when the version is there already', async () => {
  const publish = () =>
    publishPipeline(host.platform, host.caller, {
      name: 'unproven',
      version: '1.0.0',
      spec: {
        version: 1,
        tasks: [step('large'), step('plain', { inputs: { ligand: { from: '/steps/large/output/ligand' } } })],
      },
    });
  const published = await publish();
  expect(published.unproven).toEqual([
    {
      step: 'plain',
      pointer: '/tasks/1/inputs/ligand',
      message: 'no schema tells what is at /steps/large/output/ligand',
    },
  ]);
  expect(await publish()).toEqual(published);
});

test('a property that does not exist is refused by its name', async () => {
  const request = { name: 'odd', version: '1.0.0', spec: { version: 1 as const, tasks: [step('plain')] } };
  const misspelt = { ...request, visibilty: 'private' };
  await expect(publishPipeline(host.platform, host.caller, misspelt)).rejects.toThrow(
    '/visibilty: no such option; did you mean visibility?',
  );
});

test.each<[string, unknown]>([
  ['null', null],
  ['undefined', undefined],
  ['a text', 'x'],
  ['nothing of it', {}],
  ['what throws', { name: 'x', version: '1.0.0', spec: new Proxy({}, { ownKeys: () => [].reduce((a) => a) }) }],
])('a request that is none is refused: %s', async (_what, request) => {
  await expect(publishPipeline(host.platform, host.caller, request as PublishPipeline)).rejects.toMatchObject({
    code: 'MAD_CORE_VALIDATION_FAILED',
  });
});

test('a misfit is refused, with the place and both schemas', async () => {
  const parameters = { type: 'object', properties: { smiles: text } };
  const spec = {
    version: 1 as const,
    parameters,
    tasks: [step('plain', { inputs: { ligand: { from: '/parameters/smiles' } } })],
  };
  await expect(publishPipeline(host.platform, host.caller, { name: 'misfit', version: '1.0.0', spec })).rejects.toThrow(
    '/tasks/0/inputs/ligand: step plain: /parameters/smiles does not fit ligand of plain@1.0.0: text of any length comes, at most 10 are taken, such as "2020-01-01T00:00:00Z" (source {"type":"string"}, target {"type":"string","maxLength":10})',
  );
});

test.each([
  ['cpu', ['plain']],
  ['gpu', ['plain', 'large']],
])('the job runs where all its tasks can: %s', async (resourceClass, names) => {
  const version = { name: `on-${resourceClass}`, version: '1.0.0' };
  await publishPipeline(host.platform, host.caller, {
    ...version,
    spec: { version: 1, tasks: names.map((name) => step(name)) },
  });
  const { spec } = await getPublishedPipeline(host.metadata, host.caller, { pipeline: version.name });
  expect(spec.resourceClass).toBe(resourceClass);
});

test("a mark for the cache in the pipeline's own schemas is refused at its place; a property of that name is none", async () => {
  const publish = (inputs: JsonObject, parameters: JsonObject) =>
    publishPipeline(host.platform, host.caller, {
      name: 'marked',
      version: '1.0.0',
      spec: { version: 1, inputs, parameters, tasks: [step('large')] },
    });
  const of = (properties: JsonObject) => ({ type: 'object', properties });
  const ignored = { type: 'integer', 'x-mad-cache': 'ignore' };
  const smiles = { anyOf: [{ type: 'string', 'x-mad-normalize': 'smiles' }] };
  await expect(publish(of({}), { $defs: { a: ignored }, ...of({ b: smiles }) })).rejects.toMatchObject({
    code: 'MAD_CORE_VALIDATION_FAILED',
    issues: [
      {
        pointer: '/parameters/$defs/a/x-mad-cache',
        message: expect.stringMatching(/no effect .*interface of the task/),
      },
      { pointer: '/parameters/properties/b/anyOf/0/x-mad-normalize' },
    ],
  });
  await expect(publish(of({ file: { ...text, 'x-mad-cache': 'seed' } }), of({}))).rejects.toMatchObject({
    issues: [{ pointer: '/inputs/properties/file/x-mad-cache' }],
  });
  const named = of({ 'x-mad-cache': { type: 'object', default: { 'x-mad-cache': 'ignore' } } });
  await expect(publish(of({}), named)).resolves.toMatchObject({ unproven: [] });
});
