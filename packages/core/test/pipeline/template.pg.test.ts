import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Caller,
  deleteTemplate,
  getTemplate,
  getVersion,
  inOrganization,
  instantiateTemplate,
  type JsonObject,
  type ListTemplates,
  listPipelineTaskSteps,
  listTemplates,
  type PipelineSpecInput,
  type PublishTemplate,
  publishPipeline,
  publishTemplate,
  submitJob,
  toTemplate,
  updateTemplate,
} from '../../src/index.ts';
import { type CataloguePlatform, openCataloguePlatform, storeTask, without } from './stored-tasks.ts';

const denied = { code: 'MAD_CORE_PERMISSION_DENIED' };
const missing = { code: 'MAD_CORE_NOT_FOUND' };
const invalid = { code: 'MAD_CORE_VALIDATION_FAILED' };
const conflict = { code: 'MAD_CORE_CONFLICT' };

const number = { type: 'number' };
const object = (properties: JsonObject, required = Object.keys(properties)) => ({
  type: 'object',
  additionalProperties: false,
  properties,
  required,
});
const DEFINITION: PipelineSpecInput = {
  version: 1,
  parameters: object(
    { smiles: { type: 'string' }, box: object({ x: number, y: { ...number, default: 1 } }, ['x', 'y']), seed: number },
    ['smiles', 'box'],
  ),
  tasks: [
    // Written before the step it reads from: names are known before ids are.
    {
      name: 'dock',
      task: 'dock@^1',
      inputs: { ligand: { from: '/steps/prepare/output/ligand' }, x: { from: '/parameters/box/x' } },
      dependsOn: ['receptor'],
      parameters: { modes: 9 },
    },
    { name: 'prepare', task: 'prepare@*', inputs: { smiles: { from: '/parameters/smiles' } } },
    { name: 'receptor', task: 'prepare', parameters: { smiles: 'C' } },
  ],
};

describe.each(['pglite', 'postgres'] as const)('templates on %s', (kind) => {
  let host: CataloguePlatform;
  let ada: Caller;
  let ben: Caller;
  let other: Caller;
  let system: Caller;
  const dock = object({ ligand: { type: 'string' }, x: number, modes: number });
  beforeAll(async () => {
    host = await openCataloguePlatform(kind);
    ({ ada, ben, other, system } = host);
    const { platform } = host;
    const prepare = {
      taskKey: 'prepare',
      request: object({ smiles: { type: 'string' } }),
      response: object({ ligand: { type: 'string' } }),
    };
    await storeTask(platform, system, prepare);
    await storeTask(platform, system, { taskKey: 'dock', version: '1.0.0', request: dock });
    await storeTask(platform, system, { taskKey: 'dock', version: '1.2.0', request: dock });
    await storeTask(platform, system, { taskKey: 'dock', version: '2.0.0', request: dock });
    await storeTask(platform, ada, { taskKey: 'secret' });
  });
  afterAll(() => host[Symbol.asyncDispose]());

  const publish = (caller: Caller, name: string, more: Partial<PublishTemplate> = {}) =>
    publishTemplate(host.platform, caller, {
      name,
      version: '1.0.0',
      displayName: name,
      category: 'docking',
      definition: DEFINITION,
      ...more,
    });
  const secret: PipelineSpecInput = { version: 1, tasks: [{ name: 'mine', task: 'secret' }] };

  test('definition and steps are written as one: names become ids, ranges become versions', async () => {
    const { templateId } = await publish(ada, 'redock', { description: 'Docks again', defaultParameters: { seed: 7 } });
    const template = await getTemplate(host.platform, ben, { template: 'redock' });
    expect(template).toMatchObject({
      templateId,
      version: '1.0.0',
      displayName: 'redock',
      description: 'Docks again',
      category: 'docking',
      isPublic: false,
      isSystem: false,
      owner: 'organization',
      createdBy: ada.userId,
      defaultParameters: { seed: 7 },
    });
    expect(template.definition.tasks.map(({ name, task }) => [name, task])).toEqual([
      ['prepare', 'prepare@1.0.0'],
      ['receptor', 'prepare@1.0.0'],
      ['dock', 'dock@1.2.0'],
    ]);
    expect(template.steps).toMatchObject([
      { name: 'prepare', dependsOn: [], parameterOverrides: {} },
      { name: 'receptor', dependsOn: [], parameterOverrides: { smiles: 'C' } },
      { name: 'dock', dependsOn: ['receptor', 'prepare'], parameterOverrides: { modes: 9 } },
    ]);
    const rows = await inOrganization(host.platform.metadata, ada.orgId, (tx) =>
      listPipelineTaskSteps(tx, { templateId }),
    );
    expect(rows[2]?.depends_on).toEqual([rows[1]?.step_id, rows[0]?.step_id]);
  });

  test('a definition that would not publish is no template, and leaves nothing', async () => {
    const [first, ...rest] = DEFINITION.tasks;
    const broken: Partial<PublishTemplate>[] = [
      { definition: { ...DEFINITION, tasks: rest.concat(first ? { ...first, inputs: {} } : []) } },
      { definition: { ...DEFINITION, tasks: [...DEFINITION.tasks, { name: 'dock', task: 'dock' }] } },
      { definition: { version: 1, tasks: [{ name: 'a', task: 'dock', dependsOn: ['a'] }] } },
      { definition: { version: 1, tasks: [] } },
      { version: '1.0' },
      { version: 'v1.0.0' },
      { defaultParameters: { seed: 'seven' } },
      { defaultParameters: { box: { y: 2 } } },
      { defaultParameters: { nonsense: 1 } },
      { defaultParameters: { constructor: 1 } },
      { defaultParameters: JSON.parse('{"__proto__": {"polluted": true}}') },
      { displayName: 'a\0b' },
      { displayName: 'a'.repeat(101) },
      { category: '' },
      { description: '\ud800' },
      { name: '../etc' },
    ];
    for (const more of broken)
      await expect(publish(ada, 'broken', more), JSON.stringify(more)).rejects.toMatchObject(invalid);
    await expect(
      publish(ada, 'broken', { definition: { version: 1, tasks: [{ name: 'a', task: 'dock@^9' }] } }),
    ).rejects.toMatchObject(missing);
    expect((await listTemplates(host.platform, ada, { name: 'broken' })).items).toEqual([]);
  });

  test('a version is published once: the same is the same, another content is refused', async () => {
    const first = await publish(ada, 'once');
    expect(await publish(ben, 'once')).toEqual(first);
    await expect(publish(ada, 'once', { defaultParameters: { seed: 1 } })).rejects.toMatchObject(conflict);
    const both = await Promise.all([publish(ada, 'at-once'), publish(ben, 'at-once')]);
    expect(both[0]).toEqual(both[1]);
    expect(await publish(other, 'once')).not.toEqual(first);
  });

  test('by name the highest release counts, by semver; others where they are named', async () => {
    for (const version of ['1.9.0', '1.10.0', '2.0.0-rc.1']) await publish(ada, 'versions', { version });
    const versionOf = async (wanted: { template: string; version?: string }) =>
      (await getTemplate(host.platform, ada, wanted)).version;
    expect(await versionOf({ template: 'versions' })).toBe('1.10.0');
    expect(await versionOf({ template: 'versions', version: '2.0.0-rc.1' })).toBe('2.0.0-rc.1');
    const { templateId } = await getTemplate(host.platform, ada, { template: 'versions', version: '1.9.0' });
    expect(await versionOf({ template: templateId })).toBe('1.9.0');
    expect(await versionOf({ template: templateId, version: '1.10.0' })).toBe('1.10.0');
    await expect(versionOf({ template: 'versions', version: '7.0.0' })).rejects.toThrow(
      /2\.0\.0-rc\.1, 1\.10\.0, 1\.9\.0/,
    );
    await expect(versionOf({ template: 'nothing' })).rejects.toMatchObject(missing);
  });

  test("an instance is a pipeline of its own: given parameters over the template's, both as defaults", async () => {
    await publish(ada, 'made', { version: '1.4.0', defaultParameters: { seed: 7, box: { x: 10 } } });
    const made = await instantiateTemplate(host.platform, ben, {
      template: 'made',
      name: 'made pipeline',
      parameters: { box: { x: 20, y: 3 }, smiles: undefined },
    });
    expect(made).toMatchObject({ name: 'made pipeline', version: '1.4.0', templateVersion: '1.4.0' });
    const { spec } = await getVersion(host.platform, ada, { pipeline: 'made pipeline' });
    expect(spec.parameters).toMatchObject({
      required: ['smiles', 'box'],
      properties: {
        smiles: { type: 'string' },
        box: { default: { x: 20, y: 3 } },
        seed: { type: 'number', default: 7 },
      },
    });
    const { jobId } = await submitJob(host.platform, ben, { pipeline: 'made pipeline', parameters: { smiles: 'CCO' } });
    const results = await host.platform.results.get(ben.orgId);
    const job = await results.selectFrom('jobs').select('params').where('job_id', '=', jobId).executeTakeFirst();
    expect(job?.params).toEqual({ smiles: 'CCO', box: { x: 20, y: 3 }, seed: 7 });

    const again = { template: 'made', name: 'made pipeline', parameters: { box: { x: 20, y: 3 } } };
    expect(await instantiateTemplate(host.platform, ben, again)).toEqual(made);
    const changed = { ...again, parameters: { seed: 8 } };
    await expect(instantiateTemplate(host.platform, ben, changed)).rejects.toMatchObject({
      ...conflict,
      message: expect.stringMatching(/^pipeline version made pipeline@.* already exists; .*pipelineVersion$/),
    });
    const second = await instantiateTemplate(host.platform, ben, { ...changed, pipelineVersion: '1.5.0' });
    expect(second.pipelineId).toBe(made.pipelineId);
    for (const parameters of [{ seed: 'x' }, { nonsense: 1 }, { seed: Number.NaN }, [], JSON.parse('{"__proto__": 1}')])
      await expect(instantiateTemplate(host.platform, ben, { ...again, parameters })).rejects.toMatchObject(invalid);
    await deleteTemplate(host.platform, ada, { template: 'made' });
    expect(await getVersion(host.platform, ben, { pipeline: 'made pipeline' })).toMatchObject({ version: '1.5.0' });
  });

  test('a template of a version gives that version again', async () => {
    const { pipelineId } = await publishPipeline(host.platform, ada, {
      name: 'round',
      version: '3.1.0',
      spec: DEFINITION,
    });
    await toTemplate(host.platform, ada, { pipeline: 'round', category: 'docking', defaultParameters: { seed: 1 } });
    expect(await getTemplate(host.platform, ben, { template: 'round' })).toMatchObject({
      version: '3.1.0',
      displayName: 'round',
    });
    await toTemplate(host.platform, ada, {
      pipeline: 'round',
      name: 'round-2',
      templateVersion: '1.0.0',
      category: 'x',
    });
    await instantiateTemplate(host.platform, ben, { template: 'round-2', name: 'round again' });
    const [before, after] = await Promise.all(
      [pipelineId, 'round again'].map((pipeline) => getVersion(host.platform, ben, { pipeline })),
    );
    expect(after?.storedSpec).toEqual(before?.storedSpec);

    await publishPipeline(host.platform, ada, {
      name: 'hidden',
      version: '1.0.0',
      spec: DEFINITION,
      visibility: 'private',
    });
    await expect(toTemplate(host.platform, ben, { pipeline: 'hidden', category: 'x' })).rejects.toMatchObject(missing);
    await expect(toTemplate(host.platform, other, { pipeline: pipelineId, category: 'x' })).rejects.toMatchObject(
      missing,
    );
  });

  test('the system and whoever shares offer templates to all; the rest stays in its organization', async () => {
    await publish(system, 'offered-system');
    const shared = await publish(ada, 'offered-public', { isPublic: true });
    const kept = await publish(ada, 'offered-kept');
    const seenBy = async (caller: Caller, filter: ListTemplates = {}) =>
      (await listTemplates(host.platform, caller, { text: 'OFFERED', ...filter })).items.map((item) => [
        item.name,
        item.owner,
      ]);
    expect(await seenBy(other)).toEqual([
      ['offered-public', 'other'],
      ['offered-system', 'system'],
    ]);
    expect(await seenBy(ben, { owner: 'organization' })).toEqual([
      ['offered-kept', 'organization'],
      ['offered-public', 'organization'],
    ]);
    expect(await seenBy(other, { isPublic: true })).toEqual([['offered-public', 'other']]);
    expect(await seenBy(other, { category: 'dock' })).toEqual([]);
    expect(await getTemplate(host.platform, other, { template: shared.templateId })).toMatchObject({ createdBy: null });
    await expect(getTemplate(host.platform, other, { template: 'offered-public' })).rejects.toMatchObject(missing);
    await expect(getTemplate(host.platform, other, { template: kept.templateId })).rejects.toMatchObject(missing);
    for (const template of [shared.templateId, 'offered-system'])
      expect(await instantiateTemplate(host.platform, other, { template, name: `of ${template}` })).toMatchObject({
        version: '1.0.0',
      });
    for (const change of [
      () => updateTemplate(host.platform, other, { template: shared.templateId, isPublic: false }),
      () => deleteTemplate(host.platform, other, { template: shared.templateId }),
      () => updateTemplate(host.platform, ada, { template: 'offered-system', displayName: 'mine' }),
      () => deleteTemplate(host.platform, ada, { template: 'offered-system' }),
    ])
      await expect(change()).rejects.toMatchObject(missing);
    const first = await listTemplates(host.platform, ada, { text: 'offered', limit: 2 });
    const second = await listTemplates(host.platform, ada, { text: 'offered', limit: 2, cursor: first.nextCursor });
    expect([...first.items, ...second.items].map(({ name }) => name)).toEqual([
      'offered-kept',
      'offered-public',
      'offered-system',
    ]);
    expect(second.nextCursor).toBeUndefined();
  });

  test('nobody is offered a template of tasks that it does not see', async () => {
    await expect(publish(other, 'leak', { definition: secret })).rejects.toMatchObject(missing);
    await expect(publish(ada, 'leak', { definition: secret, isPublic: true })).rejects.toThrow(/secret@1\.0\.0/);
    await publish(ada, 'leak', { definition: secret });
    await expect(updateTemplate(host.platform, ada, { template: 'leak', isPublic: true })).rejects.toThrow(
      /secret@1\.0\.0/,
    );
    await updateTemplate(host.platform, ada, { template: 'leak', displayName: 'Ours', category: 'own' });
    expect(await getTemplate(host.platform, ben, { template: 'leak' })).toMatchObject({
      displayName: 'Ours',
      category: 'own',
      isPublic: false,
    });
    // Shown otherwise it is still the same template.
    await publish(ada, 'leak', { definition: secret });
  });

  test('no program leaves a step that depends on itself, or on one that is elsewhere', async () => {
    const { templateId } = await publish(ada, 'kept-whole');
    const { templateId: elsewhere } = await publish(ada, 'kept-elsewhere', {
      definition: { version: 1, tasks: [{ name: 'only', task: 'prepare', parameters: { smiles: 'C' } }] },
    });
    const inAda = (statement: ReturnType<typeof sql>) =>
      inOrganization(host.platform.metadata, ada.orgId, (tx) => statement.execute(tx));
    for (const statement of [
      sql`update pipeline_task_steps set depends_on = jsonb_build_array(step_id) where template_id = ${elsewhere}`,
      sql`update pipeline_task_steps set template_id = ${elsewhere}, step_order = 9 where template_id = ${templateId} and step_name = 'prepare'`,
      sql`update pipeline_task_steps set template_id = ${elsewhere}, step_order = 9 where template_id = ${templateId} and step_name = 'dock'`,
      sql`update pipeline_task_steps set step_id = gen_random_uuid() where template_id = ${templateId} and step_name = 'prepare'`,
      sql`delete from pipeline_task_steps where template_id = ${templateId} and step_name = 'prepare'`,
    ])
      await expect(inAda(statement)).rejects.toMatchObject({ constraint: 'pipeline_task_steps_depends_on_known' });
    await inAda(
      sql`update pipeline_task_steps set template_id = ${elsewhere}, step_order = step_order + 1 where template_id = ${templateId}`,
    );
    expect((await getTemplate(host.platform, ada, { template: elsewhere })).steps).toHaveLength(4);
  });

  test('a template of a thousand steps is written in moments', async () => {
    const chain: PipelineSpecInput = {
      version: 1,
      tasks: Array.from({ length: 1_000 }, (_, index) => ({
        name: `s${index}`,
        task: 'prepare',
        parameters: { smiles: 'C' },
        dependsOn: index === 0 ? [] : [`s${index - 1}`],
      })),
    };
    await publish(ada, 'long', { definition: chain });
    expect((await getTemplate(host.platform, ada, { template: 'long' })).steps[999]).toMatchObject({
      dependsOn: ['s998'],
    });
  });

  test('every call asks for its permission', async () => {
    const { templateId: template } = await publish(ada, 'guarded');
    await publishPipeline(host.platform, ada, { name: 'guarded', version: '1.0.0', spec: DEFINITION });
    const own: Caller = { ...ada, permissions: new Set(['pipeline.update:own', 'pipeline.delete:own']) };
    const strange = { ...own, userId: ben.userId };
    for (const refused of [
      () => publish(without(ada, 'pipeline.create'), 'guarded'),
      () => instantiateTemplate(host.platform, without(ada, 'pipeline.create'), { template, name: 'x' }),
      () => toTemplate(host.platform, without(ada, 'pipeline.create'), { pipeline: 'guarded', category: 'x' }),
      () => toTemplate(host.platform, without(ada, 'pipeline.view'), { pipeline: 'guarded', category: 'x' }),
      () => listTemplates(host.platform, without(ada, 'pipeline.view')),
      () => getTemplate(host.platform, without(ada, 'pipeline.view'), { template }),
      () => updateTemplate(host.platform, strange, { template, category: 'x' }),
      () => deleteTemplate(host.platform, strange, { template }),
    ])
      await expect(refused()).rejects.toMatchObject(denied);
    await updateTemplate(host.platform, own, { template, category: 'x' });
    await deleteTemplate(host.platform, own, { template });
    await expect(getTemplate(host.platform, ada, { template })).rejects.toMatchObject(missing);
  });
});
