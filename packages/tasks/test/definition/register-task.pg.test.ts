import {
  inOrganization,
  type MetadataDatabase,
  NotFoundError,
  SYSTEM_ORG_ID,
  updateTaskDefinition,
  ValidationFailedError,
} from '@mad/core';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { registerTask } from '../../src/definition/register-task.ts';
import { resolveVersion } from '../../src/definition/resolve-version.ts';
import { TaskDocumentInvalidError, TaskVersionTakenError } from '../../src/errors.ts';
import { callerOf, countRows, describeOnEachDatabase, insertTestOrganization } from '../each-metadata.ts';
import { measure } from '../operations.ts';

describeOnEachDatabase((metadata) => {
  test('a document becomes one version of a task, with what it declares', async () => {
    const orgId = await insertTestOrganization(metadata());
    const row = await registerTask(metadata(), callerOf(orgId), {
      document: measure.document,
      serviceConfig: { docker_image: `example/measure@sha256:${'0'.repeat(64)}` },
    });
    expect(row).toMatchObject({
      org_id: orgId,
      task_id: 'measure',
      version: '1.0.0',
      metadata: {
        title: 'Measure a molecule',
        description: 'Counts the atoms of a molecule.',
        category: null,
        tags: [],
      },
      interface_spec: measure.document,
      interface_digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      determinism: 'exact',
      producer: 'measure 1.0.0',
      image_digest: `sha256:${'0'.repeat(64)}`,
      is_system: false,
    });
  });

  test('registering the same document again, even spelled as YAML, changes nothing', async () => {
    const orgId = await insertTestOrganization(metadata());
    const first = await registerTask(metadata(), callerOf(orgId), { document: JSON.stringify(measure.document) });
    const again = await registerTask(metadata(), callerOf(orgId), {
      document: stringify(measure.document, { sortMapEntries: true }),
    });
    expect(again).toEqual(first);
    expect(await countRows(metadata(), { orgId, table: 'task_definitions' })).toBe(1);
  });

  test('eight callers at once end with one row', async () => {
    const orgId = await insertTestOrganization(metadata());
    const rows = await Promise.all(
      Array.from({ length: 8 }, () => registerTask(metadata(), callerOf(orgId), { document: measure.document })),
    );
    expect(new Set(rows.map((row) => row.task_definition_id)).size).toBe(1);
  });

  test('another document for the same version is refused and asks for a higher version', async () => {
    const orgId = await insertTestOrganization(metadata());
    await registerTask(metadata(), callerOf(orgId), { document: measure.document });
    const changed = { ...measure.document, tags: [{ name: 'changed' }] };
    await expect(registerTask(metadata(), callerOf(orgId), { document: changed })).rejects.toThrow(
      TaskVersionTakenError,
    );
    await expect(registerTask(metadata(), callerOf(orgId), { document: changed })).rejects.toThrow(
      /raise info.version/,
    );
    expect(await registerTask(metadata(), callerOf(orgId), { document: changed, version: '1.1.0' })).toMatchObject({
      version: '1.1.0',
      metadata: { tags: ['changed'] },
    });
  });

  test('a document that cannot be a task leaves no row', async () => {
    const orgId = await insertTestOrganization(metadata());
    const refused = (document: object) => expect(registerTask(metadata(), callerOf(orgId), { document })).rejects;
    await refused({ ...measure.document, paths: {} }).toThrow(TaskDocumentInvalidError);
    await refused({ ...measure.document, openapi: '2.0' }).toThrow(TaskDocumentInvalidError);
    await refused({ ...measure.document, info: { title: 'x', version: '1', 'x-mad': { taskKey: 'x' } } }).toThrow(
      ValidationFailedError,
    );
    await refused({ ...measure.document, info: { title: 'x', version: '1.0.0' } }).toThrow(/taskKey/);
    await refused({
      ...measure.document,
      info: { title: 'x', version: '1.0.0', 'x-mad': { taskKey: 'x', determinsm: 'exact' } },
    }).toThrow(/determinsm/);
    await refused({
      ...measure.document,
      components: { schemas: { Request: { type: 'object', properties: { a: { pattern: '(' } } }, Response: {} } },
    }).toThrow();
    const withRequest = (schemas: object) => ({
      ...measure.document,
      components: { schemas: { Response: { type: 'object' }, Error: {}, ...schemas } },
    });
    await refused(
      withRequest({ Request: { type: 'object', properties: { name: { type: 'string', pattern: '^(a+)+$' } } } }),
    ).toThrow(/\/properties\/name\/pattern/);
    const [request, other] = ['Request', 'Other'].map((name) => ({ $ref: `#/components/schemas/${name}` }));
    await refused(withRequest({ Request: { type: 'object', allOf: [other] }, Other: { allOf: [request] } })).toThrow(
      TaskDocumentInvalidError,
    );
    expect(await countRows(metadata(), { orgId, table: 'task_definitions' })).toBe(0);
  });

  let versions: Promise<string> | undefined;
  async function withVersions(db: MetadataDatabase): Promise<string> {
    const orgId = await insertTestOrganization(db);
    for (const version of ['1.0.0', '1.2.0', '1.10.0', '2.0.0-rc.1'])
      await registerTask(db, callerOf(orgId), { document: measure.document, version });
    return orgId;
  }

  test.each([
    ['measure', '1.10.0'],
    ['measure@^1', '1.10.0'],
    ['measure@1.2.x', '1.2.0'],
    ['measure@1.0.0', '1.0.0'],
    ['measure@2.0.0-rc.1', '2.0.0-rc.1'],
    ['measure@>=1 <1.10', '1.2.0'],
  ])('%s is version %s', async (task, version) => {
    versions ??= withVersions(metadata());
    expect(await resolveVersion(metadata(), { orgId: await versions, task })).toMatchObject({ version });
  });

  test('a version that does not exist names those that do', async () => {
    const orgId = await withVersions(metadata());
    const inactive = await resolveVersion(metadata(), { orgId, task: 'measure@1.10.0' });
    await inOrganization(metadata(), orgId, (tx) =>
      updateTaskDefinition(tx, { taskDefinitionId: inactive.task_definition_id, set: { is_active: false } }),
    );
    const missing = resolveVersion(metadata(), { orgId, task: 'measure@^3' });
    await expect(missing).rejects.toThrow(NotFoundError);
    await expect(missing).rejects.toThrow(/2\.0\.0-rc\.1, 1\.10\.0 \(not active\), 1\.2\.0, 1\.0\.0/);
    expect(await resolveVersion(metadata(), { orgId, task: 'measure@^1' })).toMatchObject({ version: '1.2.0' });
    await expect(resolveVersion(metadata(), { orgId, task: 'nothing' })).rejects.toThrow(/registerTask/);
    await expect(resolveVersion(metadata(), { orgId, task: 'measure@newest' })).rejects.toThrow(ValidationFailedError);
  });

  test('a task of the system is there for every organization, behind its own', async () => {
    const [own, other] = [await insertTestOrganization(metadata()), await insertTestOrganization(metadata())];
    const system = await registerTask(metadata(), callerOf(SYSTEM_ORG_ID), {
      document: measure.document,
      version: '9.0.0',
    });
    expect(system.is_system).toBe(true);
    await registerTask(metadata(), callerOf(own), { document: measure.document });
    expect(await resolveVersion(metadata(), { orgId: own, task: 'measure' })).toMatchObject({
      version: '1.0.0',
      org_id: own,
    });
    expect(await resolveVersion(metadata(), { orgId: own, task: 'measure@^9' })).toMatchObject({ version: '9.0.0' });
    expect(await resolveVersion(metadata(), { orgId: other, task: 'measure' })).toMatchObject({ version: '9.0.0' });
  });
});
