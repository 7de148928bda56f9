import { readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type ArtifactStore,
  formatArtifactUri,
  inOrganization,
  insertArtifact,
  insertMolecule,
  newId,
  readStoredBytes,
  ValidationFailedError,
} from '@mad/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { collectGarbage } from '../../src/index.ts';
import { type ManagedCache, openManagedCache } from '../entry/managed-cache.ts';

let managed: ManagedCache;
beforeAll(async () => {
  managed = await openManagedCache();
});
afterAll(() => managed[Symbol.asyncDispose]());

async function store(content: string): Promise<string> {
  return (await managed.opened.artifacts.put(managed.opened.orgId, content)).digest;
}

test('files that nothing refers to are deleted, and all that anything refers to stay', async () => {
  const { platform, caller, record } = managed;
  const { results, orgId, metadata, artifacts } = managed.opened;
  const uri = (digest: string) => formatArtifactUri({ orgId, digest });
  const names = ['input', 'output', 'nested', 'logs', 'params', 'entry', 'molecule', 'garbage one', 'garbage two'];
  const stored: Record<string, string> = {};
  for (const name of names) stored[name] = await store(name);
  const of = (name: string): string => stored[name] ?? '';
  const job_id = newId();
  await results
    .insertInto('jobs')
    .values({ job_id, pipeline_version: 'p@1', params: { deep: [{ file: { $artifact: of('params') } }] } })
    .execute();
  await results
    .insertInto('job_inputs')
    .values({ job_id, key: 'receptor', uri: uri(of('input')) })
    .execute();
  await results
    .insertInto('job_outputs')
    .values({ job_id, key: 'poses', uri: 'mad://x', checksum: of('output') })
    .execute();
  await results
    .insertInto('task_results')
    .values({ job_id, task_name: 'dock', result_data: { a: { b: [{ $artifact: of('nested') }] } } })
    .execute();
  await results
    .insertInto('task_executions')
    .values({ job_id, task_name: 'dock', logs_uri: uri(of('logs')) })
    .execute();
  await record({ artifacts: { poses: { uri: uri(of('entry')), sizeBytes: 5 } } });
  await inOrganization(metadata, orgId, (tx) =>
    insertMolecule(tx, {
      name: 'm',
      format: 'pdb',
      uri: `mad://org/${orgId}/molecules/${newId()}.pdb`,
      checksum: of('molecule'),
    }),
  );
  const otherOrgId = newId();
  const others = await artifacts.put(otherOrgId, 'of another organization');

  expect(await collectGarbage(platform, caller), 'all are younger than a day').toEqual({
    artifacts: 0,
    bytes: 0,
    kept: 9,
  });
  expect(await collectGarbage(platform, caller, { graceMs: 0, dryRun: true })).toEqual({
    artifacts: 2,
    bytes: 22,
    kept: 7,
  });
  expect(await artifacts.head(orgId, of('garbage one'))).toBeDefined();
  const storedBytes = (await readStoredBytes(results)) ?? 0;
  await results
    .insertInto('stored_files')
    .values({ digest: of('garbage one'), size_bytes: 11 })
    .execute();
  expect(await collectGarbage(platform, caller, { graceMs: 0 })).toEqual({ artifacts: 2, bytes: 22, kept: 7 });
  expect(await readStoredBytes(results), 'what was collected counts no more').toBe(storedBytes);
  for (const name of names)
    expect(await artifacts.head(orgId, of(name)), name).toEqual(
      name.startsWith('garbage') ? undefined : expect.anything(),
    );
  expect(await artifacts.head(otherOrgId, others.digest)).toBeDefined();
  expect(await managed.audited()).toEqual(['cache.collect', 'cache.collect']);
  await expect(collectGarbage(platform, caller, { graceMs: -1 })).rejects.toThrow(ValidationFailedError);
});

describe('what the Metadata DB refers to', () => {
  /** A molecule and an artifact of the catalogue; the one by its checksum, the other by its address. */
  async function catalogue(names: readonly [string, string]): Promise<readonly [string, string]> {
    const { metadata, orgId } = managed.opened;
    const [molecule, artifact] = [await store(names[0]), await store(names[1])];
    await inOrganization(metadata, orgId, async (tx) => {
      await insertMolecule(tx, {
        ...{ name: names[0], format: 'pdb', uri: `mad://org/${orgId}/molecules/${newId()}.pdb`, checksum: molecule },
      });
      await insertArtifact(tx, { purpose: names[1], uri: formatArtifactUri({ orgId, digest: artifact }) });
    });
    return [molecule, artifact];
  }

  const kept = async (digests: readonly string[]) =>
    Promise.all(
      digests.map(async (digest) => (await managed.opened.artifacts.head(managed.opened.orgId, digest)) !== undefined),
    );

  test('stays, also where its rows are older than the collection', async () => {
    const { platform, caller } = managed;
    const { metadata, orgId } = managed.opened;
    const digests = await catalogue(['long there', 'long there too']);
    const created_at = new Date(Date.now() - 30 * 86_400_000);
    await inOrganization(metadata, orgId, async (tx) => {
      await tx.updateTable('molecules').set({ created_at }).execute();
      await tx.updateTable('artifacts').set({ created_at }).execute();
    });
    const garbage = await store('of no use');
    expect(await collectGarbage(platform, caller, { graceMs: 0 })).toMatchObject({ artifacts: 1 });
    expect(await kept([...digests, garbage])).toEqual([true, true, false]);
  });

  test('stays where it is written down while garbage is looked for', async () => {
    const { platform, caller } = managed;
    const { orgId, artifacts } = managed.opened;
    const names = ['written down late', 'written down late too'] as const;
    const digests = [await store(names[0]), await store(names[1])];
    const garbage = await store('of no use then');
    const storedAt = new Date(Date.now() - 99 * 86_400_000);
    const listing: ArtifactStore = {
      ...artifacts,
      async *list(asked) {
        yield* artifacts.list(asked);
        expect(await catalogue(names)).toEqual(digests);
      },
      // To write it down stores it once more: its age is not what keeps it.
      async head(...given) {
        const file = await artifacts.head(...given);
        return file && { ...file, storedAt };
      },
    };
    await collectGarbage({ ...platform, artifacts: listing }, caller, { graceMs: 0 });
    expect(await kept([...digests, garbage])).toEqual([true, true, false]);
    for (const digest of digests) await artifacts.delete(orgId, digest);
  });

  test('stays where schedules, templates and published pipelines name it, whatever their age', async () => {
    const { platform, caller } = managed;
    const { metadata, orgId, artifacts } = managed.opened;
    const names = ['schedule', 'pipeline', 'workflow', 'defaults'];
    const digests = await Promise.all(names.map((name) => store(`named by a ${name}`)));
    const [schedule = '', pipeline = '', workflow = '', defaults = ''] = digests;
    const created_at = new Date(Date.now() - 30 * 86_400_000);
    const file = (digest: string) => ({ parameters: { receptor: { $artifact: digest } } });
    await inOrganization(metadata, orgId, async (tx) => {
      await tx
        .insertInto('job_schedules')
        .values({ org_id: orgId, name: 's', cron: '@daily', request: file(schedule), created_at })
        .execute();
      const pipeline_id = newId();
      await tx.insertInto('pipelines').values({ pipeline_id, org_id: orgId, name: 'p' }).execute();
      await tx
        .insertInto('pipeline_versions')
        .values({ pipeline_id, version: '1.0.0', spec: file(pipeline), created_at })
        .execute();
      await tx
        .insertInto('pipeline_templates')
        .values({
          ...{ org_id: orgId, name: 't', display_name: 't', category: 'docking', created_at },
          ...{ workflow_definition: file(workflow), default_parameters: file(defaults) },
        })
        .execute();
    });
    const garbage = await store('named by nobody');
    await collectGarbage(platform, caller, { graceMs: 0 });
    expect(await kept([...digests, garbage])).toEqual([true, true, true, true, false]);
    for (const digest of digests) await artifacts.delete(orgId, digest);
  });
});

test('a file that becomes referred to while garbage is looked for stays', async () => {
  const { platform, caller } = managed;
  const { results, orgId, artifacts } = managed.opened;
  const digest = await store('taken up at the last moment');
  const listing: ArtifactStore = {
    ...artifacts,
    async *list(asked) {
      yield* artifacts.list(asked);
      const job_id = newId();
      await results.insertInto('jobs').values({ job_id, pipeline_version: 'p@1' }).execute();
      await results
        .insertInto('job_inputs')
        .values({ job_id, key: 'ligand', uri: formatArtifactUri({ orgId, digest }) })
        .execute();
    },
  };
  expect(await collectGarbage({ ...platform, artifacts: listing }, caller, { graceMs: 0 })).toMatchObject({
    artifacts: 0,
  });
  expect(await artifacts.head(orgId, digest)).toBeDefined();
});

test('a file that is taken into use, or put again, while others are deleted stays', async () => {
  const { platform, caller } = managed;
  const { results, orgId, artifacts } = managed.opened;
  for (let n = 0; n < 60; n++) await store(`garbage ${n}`);
  const listed: string[] = [];
  for await (const { digest } of artifacts.list(orgId)) listed.push(digest);
  const [referred = '', again = ''] = listed.slice(-2);
  const startedAt = new Date();
  const deleted: string[] = [];
  let taken: Promise<void> | undefined;
  const takeUp = async (): Promise<void> => {
    const job_id = newId();
    await results.insertInto('jobs').values({ job_id, pipeline_version: 'p@1' }).execute();
    await results
      .insertInto('job_inputs')
      .values({ job_id, key: 'ligand', uri: formatArtifactUri({ orgId, digest: referred }) })
      .execute();
  };
  const deleting: ArtifactStore = {
    ...artifacts,
    async head(asked, digest) {
      const file = await artifacts.head(asked, digest);
      // Put again, and so as young as it gets.
      return taken && digest === again && file
        ? { ...file, storedAt: new Date(startedAt.getTime() + 3_600_000) }
        : file;
    },
    async delete(asked, digest) {
      taken ??= takeUp();
      await taken;
      deleted.push(digest);
      await artifacts.delete(asked, digest);
    },
  };
  await collectGarbage({ ...platform, artifacts: deleting }, caller, { graceMs: 0 });
  expect(deleted.length).toBeGreaterThanOrEqual(40);
  for (const digest of [referred, again]) expect(await artifacts.head(orgId, digest)).toBeDefined();
  await artifacts.delete(orgId, again);
});

test('a file that was put again is young again, and one of whose age the store knows nothing stays', async () => {
  const { platform, caller } = managed;
  const { orgId, artifacts, folder } = managed.opened;
  const digest = await store('put twice');
  const file = join(folder, (await readdir(folder, { recursive: true })).find((name) => name.endsWith(digest)) ?? '');
  const then = new Date(Date.now() - 99 * 86_400_000);
  await utimes(file, then, then);
  await store('put twice');
  expect(await collectGarbage(platform, caller, { graceMs: 3_600_000 })).toMatchObject({ artifacts: 0 });
  const ageless: ArtifactStore = {
    ...artifacts,
    async head(...given) {
      const { storedAt: _, ...found } = (await artifacts.head(...given)) ?? { digest, sizeBytes: 0 };
      return found;
    },
  };
  expect(await collectGarbage({ ...platform, artifacts: ageless }, caller, { graceMs: 0 })).toMatchObject({
    artifacts: 0,
  });
  expect(await artifacts.head(orgId, digest)).toBeDefined();
  expect(await collectGarbage(platform, caller, { graceMs: 0 })).toMatchObject({ artifacts: 1 });
});
