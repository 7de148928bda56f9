import { beforeAll, expect, test } from 'vitest';
import { ConflictError, NotFoundError, RowRefusedError, ValidationFailedError } from '../../src/errors.ts';
import { newId, SYSTEM_ORG_ID } from '../../src/ids.ts';
import {
  inAllOrganizations,
  inOrganization,
  type OrganizationTransaction,
} from '../../src/metadata/metadata-database.ts';
import {
  deleteOrgDatabase,
  getOrgDatabase,
  insertOrgDatabase,
  listOrgDatabases,
  updateOrgDatabase,
} from '../../src/metadata/org-database.repository.ts';
import {
  deleteOrgSettings,
  findOrgSettings,
  getOrgSettings,
  insertOrgSettings,
  listOrgSettings,
  updateOrgSettings,
} from '../../src/metadata/org-settings.repository.ts';
import {
  findOrganizationByName,
  getOrganization,
  insertOrganization,
  listActiveOrganizationIds,
  listOrganizations,
  updateOrganization,
} from '../../src/metadata/organization.repository.ts';
import {
  deletePipeline,
  findPipelineByName,
  getPipeline,
  insertPipeline,
  listPipelines,
  updatePipeline,
} from '../../src/metadata/pipeline.repository.ts';
import {
  deletePipelineTemplate,
  getPipelineTemplate,
  insertPipelineTemplate,
  listPipelineTaskSteps,
  listPipelineTemplates,
  updatePipelineTemplate,
} from '../../src/metadata/pipeline-template.repository.ts';
import {
  deletePipelineVersion,
  deprecatePipelineVersion,
  findPipelineVersionByText,
  insertPipelineVersion,
  listPipelineVersions,
  publishPipelineVersion,
  updatePipelineVersion,
} from '../../src/metadata/pipeline-version.repository.ts';
import {
  deleteTaskDefinition,
  findTaskDefinitionVersion,
  getTaskDefinition,
  insertTaskDefinition,
  listTaskDefinitions,
  listTaskDefinitionVersions,
  updateTaskDefinition,
} from '../../src/metadata/task-definition.repository.ts';
import {
  deleteTaskService,
  getTaskService,
  insertTaskService,
  listTaskServiceStates,
  listTaskServices,
  tellTaskServiceState,
  updateTaskService,
} from '../../src/metadata/task-service.repository.ts';
import { describeOnEachDatabase } from './each-database.ts';
import { fillOrganization } from './fill-organization.ts';

describeOnEachDatabase((db) => {
  let a: Awaited<ReturnType<typeof fillOrganization>>;
  let b: typeof a;
  beforeAll(async () => {
    a = await fillOrganization(db());
    b = await fillOrganization(db());
  });
  const asA = <T>(run: (tx: OrganizationTransaction) => Promise<T>): Promise<T> => inOrganization(db(), a.org_id, run);

  test('organizations are listed newest first, without the system one, and found by name whatever its case', async () => {
    const name = `Acme ${newId()}`;
    const { org_id } = await inAllOrganizations(db(), (tx) => insertOrganization(tx, { name, status: 'provisioning' }));
    await inAllOrganizations(db(), async (tx) => {
      expect((await listOrganizations(tx)).items.map((row) => row.org_id)).toEqual([org_id, b.org_id, a.org_id]);
      expect((await listOrganizations(tx, { status: 'provisioning' })).items).toMatchObject([{ org_id }]);
      expect(await listActiveOrganizationIds(tx)).toEqual([a.org_id, b.org_id]);
      expect(await findOrganizationByName(tx, { name: name.toUpperCase() })).toMatchObject({ org_id });
      expect(await updateOrganization(tx, { orgId: org_id, set: { quotas: { max_storage_gb: 1 } } })).toMatchObject({
        quotas: { max_storage_gb: 1 },
      });
    });
    await expect(
      inAllOrganizations(db(), (tx) => insertOrganization(tx, { name: name.toLowerCase() })),
    ).rejects.toThrow(ConflictError);
    await asA(async (tx) => {
      expect(await getOrganization(tx, { orgId: a.org_id })).toMatchObject({ name: a.name, status: 'active' });
      await expect(getOrganization(tx, { orgId: b.org_id })).rejects.toThrow(NotFoundError);
    });
  });

  test('the directory says where each results database is', async () => {
    await inAllOrganizations(db(), async (tx) => {
      const { org_id } = await insertOrganization(tx, { name: newId() });
      const place = {
        org_id,
        placement: 'database',
        cluster: 'eu',
        database_name: `mad_results_${org_id.replaceAll('-', '')}`,
      } as const;
      expect(await insertOrgDatabase(tx, place)).toMatchObject({
        ...place,
        schema_name: 'public',
        state: 'provisioning',
        schema_version: null,
        error: null,
      });
      expect(
        await updateOrgDatabase(tx, { orgId: org_id, set: { state: 'failed', error: { step: 'migrate' } } }),
      ).toMatchObject({ error: { step: 'migrate' } });
      expect((await listOrgDatabases(tx, { state: 'failed', cluster: 'eu' })).items).toHaveLength(1);
      expect(await deleteOrgDatabase(tx, { orgId: org_id })).toBe(true);
      await expect(getOrgDatabase(tx, { orgId: org_id })).rejects.toThrow(NotFoundError);
    });
    expect(await asA((tx) => getOrgDatabase(tx, { orgId: a.org_id }))).toMatchObject({ placement: 'schema' });
  });

  test('an organization keeps its own settings', async () => {
    await asA(async (tx) => {
      expect(await updateOrgSettings(tx, { set: { storage_prefix: 'acme/' } })).toMatchObject({
        org_id: a.org_id,
        storage_prefix: 'acme/',
      });
      expect(await deleteOrgSettings(tx)).toBe(true);
      expect(await findOrgSettings(tx)).toBeUndefined();
      await expect(getOrgSettings(tx)).rejects.toThrow(NotFoundError);
      await insertOrgSettings(tx, { config: { theme: 'dark' } });
    });
    expect((await inAllOrganizations(db(), (tx) => listOrgSettings(tx))).items.map((row) => row.org_id)).toEqual([
      b.org_id,
      a.org_id,
    ]);
    await expect(asA((tx) => insertOrgSettings(tx))).rejects.toThrow(ConflictError);
  });

  test("versions of a task: the organization's own before the system's, each by semver and not by text", async () => {
    const taskKey = `prepare-${newId()}`;
    const insert = (orgId: string, versions: string[]) =>
      inOrganization(db(), orgId, async (tx) => {
        for (const version of versions)
          await insertTaskDefinition(tx, { task_id: taskKey, version, interface_spec: {} });
      });
    await insert(SYSTEM_ORG_ID, ['2.0.0', '1.0.0']);
    await insert(a.org_id, ['1.9.0', '1.10.0-rc.1', '1.10.0']);
    await insert(b.org_id, ['7.0.0']);
    await asA(async (tx) => {
      const versions = await listTaskDefinitionVersions(tx, { taskKey });
      expect(versions.map((row) => [row.version, row.is_system])).toEqual([
        ['1.10.0', false],
        ['1.10.0-rc.1', false],
        ['1.9.0', false],
        ['2.0.0', true],
        ['1.0.0', true],
      ]);
      expect(await findTaskDefinitionVersion(tx, { taskKey, version: '2.0.0' })).toMatchObject({
        org_id: SYSTEM_ORG_ID,
      });
      expect(await findTaskDefinitionVersion(tx, { taskKey, version: '7.0.0' })).toBeUndefined();
      expect((await listTaskDefinitions(tx, { ownOnly: true })).items).toHaveLength(4);
      expect((await listTaskDefinitions(tx)).items).toHaveLength(6);
    });
  });

  test('a task version changes in all but its interface, and stays while something refers to it', async () => {
    await asA(async (tx) => {
      const { task_definition_id, version } = await insertTaskDefinition(tx, {
        task_id: 'rescore',
        interface_spec: { openapi: '3.1.0' },
      });
      expect(version).toBe('1.0.0');
      const taskDefinitionId = task_definition_id;
      const set = { is_active: false, determinism: 'seeded', producer: 'vina 1.2.3', interface_digest: 'aa' } as const;
      expect(await updateTaskDefinition(tx, { taskDefinitionId, set })).toMatchObject(set);
      expect(
        (await listTaskDefinitions(tx, { ownOnly: true, activeOnly: true })).items.map((row) => row.task_id),
      ).not.toContain('rescore');
      expect(await deleteTaskDefinition(tx, { taskDefinitionId })).toBe(true);
      await expect(getTaskDefinition(tx, { taskDefinitionId })).rejects.toThrow(NotFoundError);
    });
    await expect(asA((tx) => deleteTaskDefinition(tx, { taskDefinitionId: a.task_definition_id }))).rejects.toThrow(
      RowRefusedError,
    );
    await expect(asA((tx) => insertTaskDefinition(tx, { task_id: 'dock', interface_spec: {} }))).rejects.toThrow(
      ConflictError,
    );
    for (const version of ['1.0', 'v1.0.0', 'latest', '', '1.0.0 ', '1.0.0\n', '1.0.0\t']) {
      await expect(
        asA((tx) => insertTaskDefinition(tx, { task_id: 'dock', version, interface_spec: {} })),
      ).rejects.toThrow(ValidationFailedError);
    }
  });

  test('services of a task are registered once for each URL, and found by their health', async () => {
    await asA(async (tx) => {
      const service = await insertTaskService(tx, {
        task_definition_id: a.task_definition_id,
        service_url: 'http://127.0.0.1:2',
      });
      const serviceId = service.service_id;
      expect(
        await updateTaskService(tx, { serviceId, set: { health_status: 'healthy', last_health_check: new Date() } }),
      ).toMatchObject({ health_status: 'healthy' });
      const found = await listTaskServices(tx, { taskDefinitionId: a.task_definition_id, healthStatus: 'healthy' });
      expect(found.items.map((row) => row.service_id)).toEqual([serviceId]);
      expect(await deleteTaskService(tx, { serviceId })).toBe(true);
      await expect(getTaskService(tx, { serviceId })).rejects.toThrow(NotFoundError);
    });
    const insert = (task_definition_id: string) =>
      asA((tx) => insertTaskService(tx, { task_definition_id, service_url: 'http://127.0.0.1:1' }));
    await expect(insert(a.task_definition_id)).rejects.toThrow(ConflictError);
    await expect(insert(b.task_definition_id)).rejects.toMatchObject({ constraint: 'row_level_security' });
  });

  test('what is told of a service is noted beside what is there, at the time of the database', async () => {
    const { task_definition_id: taskDefinitionId } = a;
    const stateOf = async (serviceId: string) => {
      const { items } = await asA((tx) => listTaskServiceStates(tx, { taskDefinitionId }));
      return items.find((row) => row.service_id === serviceId);
    };
    const { service_id: serviceId } = await asA((tx) =>
      insertTaskService(tx, {
        ...{ task_definition_id: taskDefinitionId, service_url: 'http://127.0.0.1:3', last_health_check: null },
        resources_used: null,
      }),
    );
    expect(await stateOf(serviceId)).toMatchObject({ service_config: {}, checked_ms_ago: null, load_ms_ago: null });
    await asA((tx) => tellTaskServiceState(tx, { serviceId, note: { drained_at: 'now' } }));
    expect(await stateOf(serviceId)).toMatchObject({ health_status: 'unknown', checked_ms_ago: null });
    await asA((tx) => tellTaskServiceState(tx, { serviceId, health: 'healthy', note: { running: 1 }, isLoad: true }));
    const told = await stateOf(serviceId);
    expect(told).toMatchObject({ health_status: 'healthy', resources_used: { drained_at: 'now', running: 1 } });
    for (const ms of [told?.checked_ms_ago, told?.load_ms_ago]) {
      expect(ms).toBeGreaterThanOrEqual(0);
      expect(ms).toBeLessThan(5_000);
    }
    await asA((tx) => tellTaskServiceState(tx, { serviceId, note: { quarantine: {} }, forget: 'drained_at' }));
    const row = await asA((tx) => tellTaskServiceState(tx, { serviceId, health: 'healthy' }));
    expect(row).toMatchObject({ health_status: 'unhealthy', resources_used: { running: 1, quarantine: {} } });
    expect(row.resources_used).not.toHaveProperty('drained_at');
    await expect(asA((tx) => tellTaskServiceState(tx, { serviceId: newId(), health: 'healthy' }))).rejects.toThrow(
      NotFoundError,
    );
    await asA((tx) => deleteTaskService(tx, { serviceId }));
  });

  test('publishing makes the highest version that is no prerelease the latest', async () => {
    const { pipeline_id } = await asA((tx) => insertPipeline(tx, { name: newId() }));
    const latest: unknown[] = [];
    for (const version of ['2.0.0-rc.1', '1.9.0', '1.10.0', '1.2.0']) {
      await asA(async (tx) => {
        const { pipeline_version_id } = await insertPipelineVersion(tx, { pipeline_id, version, spec: {} });
        expect(await publishPipelineVersion(tx, { pipelineVersionId: pipeline_version_id })).toMatchObject({
          published: true,
        });
        latest.push((await getPipeline(tx, { pipelineId: pipeline_id })).latest_version);
      });
    }
    expect(latest).toEqual([null, '1.9.0', '1.10.0', '1.10.0']);
  });

  test('versions published at the same time leave the highest as the latest', async () => {
    const { pipeline_id } = await asA((tx) => insertPipeline(tx, { name: newId() }));
    const ids = await asA(async (tx) => {
      const rows = [];
      for (const version of ['1.0.0', '3.0.0', '2.0.0'])
        rows.push(await insertPipelineVersion(tx, { pipeline_id, version, spec: {} }));
      return rows.map((row) => row.pipeline_version_id);
    });
    await Promise.all(ids.map((pipelineVersionId) => asA((tx) => publishPipelineVersion(tx, { pipelineVersionId }))));
    expect(await asA((tx) => getPipeline(tx, { pipelineId: pipeline_id }))).toMatchObject({ latest_version: '3.0.0' });
  });

  test('a draft is changed and deleted; a published version is deprecated once and refused otherwise', async () => {
    const { pipeline_id } = await asA((tx) => insertPipeline(tx, { name: newId() }));
    const { pipeline_version_id: pipelineVersionId } = await asA((tx) =>
      insertPipelineVersion(tx, { pipeline_id, version: '1.0.0', spec: { tasks: [] } }),
    );
    await asA(async (tx) => {
      expect(await updatePipelineVersion(tx, { pipelineVersionId, set: { spec: { tasks: [1] } } })).toMatchObject({
        spec: { tasks: [1] },
      });
      const draft = await insertPipelineVersion(tx, { pipeline_id, version: '2.0.0', spec: {} });
      expect(await deletePipelineVersion(tx, { pipelineVersionId: draft.pipeline_version_id })).toBe(true);
      await publishPipelineVersion(tx, { pipelineVersionId });
      const { deprecated_at } = await deprecatePipelineVersion(tx, { pipelineVersionId });
      expect(await deprecatePipelineVersion(tx, { pipelineVersionId })).toMatchObject({ deprecated_at });
      expect((await listPipelineVersions(tx, { pipelineId: pipeline_id, publishedOnly: true })).items).toHaveLength(1);
      expect(await findPipelineVersionByText(tx, { pipelineId: pipeline_id, version: '1.0.0' })).toMatchObject({
        published: true,
      });
    });
    const frozen = { constraint: 'pipeline_versions_frozen' };
    await expect(
      asA((tx) => updatePipelineVersion(tx, { pipelineVersionId, set: { spec: {} } })),
    ).rejects.toMatchObject(frozen);
    await expect(asA((tx) => deletePipelineVersion(tx, { pipelineVersionId }))).rejects.toMatchObject(frozen);
    await expect(asA((tx) => deletePipeline(tx, { pipelineId: pipeline_id }))).rejects.toMatchObject(frozen);
    await expect(asA((tx) => insertPipelineVersion(tx, { pipeline_id, version: '1.0.0', spec: {} }))).rejects.toThrow(
      ConflictError,
    );
    await expect(
      asA((tx) => insertPipelineVersion(tx, { pipeline_id: b.pipeline_id, version: '5.0.0', spec: {} })),
    ).rejects.toMatchObject({ constraint: 'row_level_security' });
  });

  test('pipelines are named once in an organization, and renamed', async () => {
    await asA(async (tx) => {
      const { pipeline_id } = await insertPipeline(tx, { name: 'screen', visibility: 'private' });
      expect(await findPipelineByName(tx, { name: 'screen' })).toMatchObject({
        pipeline_id,
        visibility: 'private',
        latest_version: null,
      });
      expect(await updatePipeline(tx, { pipelineId: pipeline_id, set: { name: 'screening' } })).toMatchObject({
        name: 'screening',
      });
      expect((await listPipelines(tx, { ownOnly: true })).items[0]).toMatchObject({ pipeline_id });
      expect(await deletePipeline(tx, { pipelineId: pipeline_id })).toBe(true);
    });
    await expect(asA((tx) => insertPipeline(tx, { name: a.name }))).rejects.toThrow(ConflictError);
    await expect(
      asA((tx) => updatePipeline(tx, { pipelineId: b.pipeline_id, set: { description: 'mine' } })),
    ).rejects.toThrow(NotFoundError);
  });

  test('a template is written with its steps, which depend on names and store ids', async () => {
    const template = {
      name: newId(),
      display_name: 'Prepare and dock',
      category: 'docking',
      workflow_definition: { tasks: [] },
    };
    const task_definition_id = a.task_definition_id;
    await asA(async (tx) => {
      const { template_id: templateId } = await insertPipelineTemplate(tx, {
        template,
        steps: [
          {
            step_name: 'dock',
            task_definition_id,
            depends_on: ['receptor', 'ligand'],
            parameter_overrides: { exhaustiveness: 4 },
          },
          { step_name: 'receptor', task_definition_id },
          { step_name: 'ligand', task_definition_id },
        ],
      });
      const [dock, receptor, ligand] = await listPipelineTaskSteps(tx, { templateId });
      expect(dock).toMatchObject({
        step_order: 0,
        depends_on: [receptor?.step_id, ligand?.step_id],
        parameter_overrides: { exhaustiveness: 4 },
      });
      expect(await updatePipelineTemplate(tx, { templateId, set: { is_public: true } })).toMatchObject({
        is_public: true,
        is_system: false,
        version: '1.0.0',
      });
      expect((await listPipelineTemplates(tx, { category: 'docking', ownOnly: true })).items[0]).toMatchObject({
        template_id: templateId,
      });
    });
    const broken = (steps: { step_name: string; depends_on?: string[] }[]) =>
      asA((tx) =>
        insertPipelineTemplate(tx, {
          template: { ...template, version: '2.0.0' },
          steps: steps.map((step) => ({ ...step, task_definition_id })),
        }),
      );
    await expect(broken([{ step_name: 'dock', depends_on: ['nothing'] }])).rejects.toThrow(
      /\/steps\/0\/depends_on: .*"nothing"/,
    );
    await expect(broken([{ step_name: 'dock' }, { step_name: 'dock' }])).rejects.toThrow(ValidationFailedError);
    await expect(broken([{ step_name: 'dock', depends_on: ['dock'] }])).rejects.toThrow(ValidationFailedError);
    const foreign = asA((tx) =>
      insertPipelineTemplate(tx, {
        template: { ...template, version: '2.0.0' },
        steps: [{ step_name: 'dock', task_definition_id: b.task_definition_id }],
      }),
    );
    await expect(foreign).rejects.toMatchObject({ constraint: 'pipeline_task_steps_task_usable' });
    const other = await inOrganization(db(), b.org_id, async (tx) =>
      (await listPipelineTemplates(tx)).items.find((row) => row.name === template.name),
    );
    expect(other).toMatchObject({ org_id: a.org_id });
    expect(
      await inOrganization(db(), b.org_id, (tx) =>
        deletePipelineTemplate(tx, { templateId: other?.template_id ?? '' }),
      ),
    ).toBe(false);
    expect(await asA((tx) => deletePipelineTemplate(tx, { templateId: other?.template_id ?? '' }))).toBe(true);
    await expect(asA((tx) => getPipelineTemplate(tx, { templateId: other?.template_id ?? '' }))).rejects.toThrow(
      NotFoundError,
    );
  });
});
