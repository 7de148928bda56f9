import {
  inOrganization,
  listTaskDefinitions,
  type MetadataDatabase,
  NotFoundError,
  SYSTEM_ORG_ID,
  updateTaskDefinition,
  ValidationFailedError,
} from '@mad/core';
import { expect, test } from 'vitest';
import { activateTask, deactivateTask } from '../../src/definition/activate-task.ts';
import { cloneTask } from '../../src/definition/clone-task.ts';
import { exportTask } from '../../src/definition/export-task.ts';
import { importTask } from '../../src/definition/import-task.ts';
import { interfaceDigest } from '../../src/definition/interface-digest.ts';
import { registerTask } from '../../src/definition/register-task.ts';
import { resolveVersion } from '../../src/definition/resolve-version.ts';
import { TaskDocumentInvalidError, TaskDocumentRefusedError, TaskVersionTakenError } from '../../src/errors.ts';
import { describeForm } from '../../src/form/describe-form.ts';
import { callerOf, describeOnEachDatabase, insertTestOrganization } from '../each-metadata.ts';
import { measure } from '../operations.ts';

const image_digest = `sha256:${'a'.repeat(64)}`;
const serviceConfig = {
  docker_image: `example/measure@${image_digest}`,
  resources: { cpu: '2000m' },
  environment: { LICENSE: 'secret', THREADS: '2' },
};
const { document } = measure;

async function listOwn(db: MetadataDatabase, orgId: string): Promise<readonly string[]> {
  const { items } = await inOrganization(db, orgId, (tx) => listTaskDefinitions(tx, { ownOnly: true }));
  return items.map((row) => `${row.task_id}@${row.version}`);
}

describeOnEachDatabase((metadata) => {
  /** An organization with measure@1.0.0, whose program was replaced after it was registered. */
  async function withMeasure(db: MetadataDatabase): Promise<string> {
    const orgId = await insertTestOrganization(db);
    const { task_definition_id } = await registerTask(db, callerOf(orgId), { document, serviceConfig });
    const set = { producer: 'measure 1.0.1', determinism: 'stochastic' as const, metadata: { title: 'Mine' } };
    await inOrganization(db, orgId, (tx) => updateTaskDefinition(tx, { taskDefinitionId: task_definition_id, set }));
    return orgId;
  }
  const known = { producer: 'measure 1.0.1', determinism: 'stochastic', metadata: { title: 'Mine' }, image_digest };

  test('a version out of use is found by no range, and again when it is back in use', async () => {
    const orgId = await withMeasure(metadata());
    const named = { task: 'measure@1.0.0' };
    expect(await deactivateTask(metadata(), callerOf(orgId), named)).toMatchObject({ is_active: false });
    expect(await deactivateTask(metadata(), callerOf(orgId), named)).toMatchObject({ is_active: false });
    await expect(resolveVersion(metadata(), { orgId, task: 'measure@^1' })).rejects.toThrow(/not active/);
    expect(await activateTask(metadata(), callerOf(orgId), named)).toMatchObject({ is_active: true });
    expect(await resolveVersion(metadata(), { orgId, task: 'measure@^1' })).toMatchObject({ version: '1.0.0' });
  });

  test('a clone has the document and all that is known of the version, and is used on its own', async () => {
    const orgId = await withMeasure(metadata());
    await deactivateTask(metadata(), callerOf(orgId), { task: 'measure@1.0.0' });
    const request = { task: 'measure@1.0.0', taskKey: 'my-measure', version: '0.1.0' };
    const clone = await cloneTask(metadata(), callerOf(orgId), request);
    const expected = { task_id: 'my-measure', version: '0.1.0', is_active: true, service_config: serviceConfig };
    expect(clone).toMatchObject({ ...expected, ...known, interface_spec: document, org_id: orgId });
    expect(await cloneTask(metadata(), callerOf(orgId), request)).toEqual(clone);
    expect(await listOwn(metadata(), orgId)).toEqual(['my-measure@0.1.0', 'measure@1.0.0']);
    await expect(cloneTask(metadata(), callerOf(orgId), { task: 'measure@1.0.0' })).rejects.toThrow(
      /another taskKey or version/,
    );
    await expect(cloneTask(metadata(), callerOf(orgId), { ...request, taskKey: 'Not A Key' })).rejects.toThrow(
      ValidationFailedError,
    );
    const other = { ...document, tags: [{ name: 'other' }] };
    await registerTask(metadata(), callerOf(orgId), { document: other, version: '2.0.0' });
    await expect(cloneTask(metadata(), callerOf(orgId), { ...request, task: 'measure@2.0.0' })).rejects.toThrow(
      TaskVersionTakenError,
    );
  });

  test('concurrent clones are one', async () => {
    const orgId = await withMeasure(metadata());
    const clones = await Promise.all(
      Array.from({ length: 6 }, () =>
        cloneTask(metadata(), callerOf(orgId), { task: 'measure@1.0.0', version: '1.1.0' }),
      ),
    );
    expect(new Set(clones.map((row) => row.task_definition_id)).size).toBe(1);
    expect(clones[0]).toMatchObject(known);
  });

  test('a version of the system becomes one of the organization, without the values of its environment', async () => {
    const orgId = await insertTestOrganization(metadata());
    await registerTask(metadata(), callerOf(SYSTEM_ORG_ID), { version: '7.0.0', document, serviceConfig });
    const clone = await cloneTask(metadata(), callerOf(orgId), { task: 'measure@7.0.0' });
    const environment = { LICENSE: null, THREADS: null };
    expect(clone).toMatchObject({ org_id: orgId, is_system: false, service_config: { ...serviceConfig, environment } });
    expect(await resolveVersion(metadata(), { orgId, task: 'measure@^7' })).toEqual(clone);
    const exported = await exportTask(metadata(), callerOf(await insertTestOrganization(metadata())), {
      task: 'measure@7.0.0',
      withEnvironment: true,
    });
    expect(exported.serviceConfig).toMatchObject({ environment });
  });

  test('another organization has neither the version nor a say in it; of the system only the system has', async () => {
    const [owner, orgId] = [await withMeasure(metadata()), await insertTestOrganization(metadata())];
    const mine = { task: 'measure@1.0.0' };
    for (const call of [activateTask, deactivateTask, cloneTask, exportTask])
      await expect(call(metadata(), callerOf(orgId), mine)).rejects.toThrow(NotFoundError);
    await registerTask(metadata(), callerOf(SYSTEM_ORG_ID), { document, version: '8.0.0' });
    const system = { task: 'measure@8.0.0' };
    await expect(deactivateTask(metadata(), callerOf(orgId), system)).rejects.toThrow(/clone it/);
    expect(await deactivateTask(metadata(), callerOf(SYSTEM_ORG_ID), { ...system })).toMatchObject({
      is_active: false,
    });
    const { is_active } = await resolveVersion(metadata(), { orgId: owner, task: 'measure@1.0.0' });
    expect(is_active).toBe(true);
    await expect(exportTask(metadata(), callerOf(owner), { task: 'measure' })).rejects.toThrow(ValidationFailedError);
  });

  test('an exported version is the same one where it is imported, but for its environment', async () => {
    const [from, to] = [await withMeasure(metadata()), await insertTestOrganization(metadata())];
    const bundle = await exportTask(metadata(), callerOf(from), { task: 'measure@1.0.0' });
    expect(JSON.stringify(bundle)).not.toContain('secret');
    const row = await importTask(metadata(), callerOf(to), { bundle: JSON.stringify(bundle) });
    const environment = { LICENSE: null, THREADS: null };
    const expected = { org_id: to, task_id: 'measure', version: '1.0.0', is_active: true, interface_spec: document };
    expect(row).toMatchObject({ ...known, ...expected, service_config: { ...serviceConfig, environment } });
    expect(await exportTask(metadata(), callerOf(to), { task: 'measure@1.0.0' })).toEqual(bundle);
    expect(await importTask(metadata(), callerOf(to), { bundle })).toEqual(row);
    const whole = await exportTask(metadata(), callerOf(from), { task: 'measure@1.0.0', withEnvironment: true });
    expect(whole.serviceConfig).toEqual(serviceConfig);
    const renamed = { bundle: whole, taskKey: 'measure-two', version: '2.0.0' };
    expect(await importTask(metadata(), callerOf(to), renamed)).toMatchObject({
      task_id: 'measure-two',
      version: '2.0.0',
    });
  });

  test('the fields of a form keep the order of the document: registered, cloned and imported', async () => {
    const [orgId, to] = [await insertTestOrganization(metadata()), await insertTestOrganization(metadata())];
    const fieldsOf = (source: Parameters<typeof describeForm>[0]) =>
      describeForm(source).fields.map(({ pointer }) => pointer);
    const registered = await registerTask(metadata(), callerOf(orgId), { document });
    expect(registered.metadata).toMatchObject({ field_order: ['/molecule', '/scale', '/cpu'] });
    const named = { task: 'measure@1.0.0' };
    const clone = await cloneTask(metadata(), callerOf(orgId), { ...named, version: '1.1.0' });
    const bundle = JSON.stringify(await exportTask(metadata(), callerOf(orgId), named));
    const imported = await importTask(metadata(), callerOf(to), { bundle });
    for (const row of [registered, clone, imported]) expect(fieldsOf(row)).toEqual(['/molecule', '/scale', '/cpu']);
    // What the database itself has of it.
    expect(fieldsOf(registered.interface_spec)).toEqual(['/cpu', '/scale', '/molecule']);
  });

  test('what is no bundle leaves no row', async () => {
    const [from, orgId] = [await withMeasure(metadata()), await insertTestOrganization(metadata())];
    const bundle = await exportTask(metadata(), callerOf(from), { task: 'measure@1.0.0' });
    const refused = (changed: unknown) => expect(importTask(metadata(), callerOf(orgId), { bundle: changed })).rejects;
    const changed = { ...document, tags: [{ name: 'changed' }] };
    await refused({ ...bundle, document: changed }).toThrow(/\/interfaceDigest: expected the digest of the document/);
    await refused({ ...bundle, format: 'mad-task/2' }).toThrow(ValidationFailedError);
    await refused({ ...bundle, org_id: from }).toThrow(ValidationFailedError);
    await refused({ ...bundle, taskKey: '../measure' }).toThrow(ValidationFailedError);
    await refused({ ...bundle, serviceConfig: { a: 'x'.repeat(300_000) } }).toThrow(/262144/);
    await refused({ ...bundle, metadata: { made: new Date() } }).toThrow(/plain JSON/);
    await refused('{"format": ').toThrow(TaskDocumentRefusedError);
    await refused(null).toThrow(ValidationFailedError);
    const outside = { ...document, components: { schemas: { Request: { $ref: 'file:///etc/passwd' } } } };
    await refused({ ...bundle, document: outside }).toThrow(TaskDocumentRefusedError);
    const noTask = { ...document, paths: {} };
    await refused({ ...bundle, document: noTask, interfaceDigest: interfaceDigest(noTask) }).toThrow(
      TaskDocumentInvalidError,
    );
    expect(await listOwn(metadata(), orgId)).toEqual([]);
  });
});
