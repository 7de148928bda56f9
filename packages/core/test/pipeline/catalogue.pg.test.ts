import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Caller,
  deleteDraftPipeline,
  deprecateVersion,
  findJobMeta,
  getPublishedPipeline,
  getVersion,
  inOrganization,
  insertPipeline,
  insertPipelineVersion,
  type ListCatalogue,
  listCatalogue,
  listVersions,
  type PublishPipeline,
  publishPipeline,
  setVisibility,
  submitJob,
  updatePipelineVersion,
} from '../../src/index.ts';
import { type CataloguePlatform, openCataloguePlatform, storeTask, without } from './stored-tasks.ts';

const denied = { code: 'MAD_CORE_PERMISSION_DENIED' };
const missing = { code: 'MAD_CORE_NOT_FOUND' };
const invalid = { code: 'MAD_CORE_VALIDATION_FAILED' };

describe.each(['pglite', 'postgres'] as const)('the catalogue on %s', (kind) => {
  let host: CataloguePlatform;
  let ada: Caller;
  let ben: Caller;
  let other: Caller;
  let system: Caller;
  beforeAll(async () => {
    host = await openCataloguePlatform(kind);
    ({ ada, ben, other, system } = host);
    await storeTask(host.platform, system, { taskKey: 'dock' });
    await storeTask(host.platform, ada, { taskKey: 'secret-dock' });
  });
  afterAll(() => host[Symbol.asyncDispose]());

  const publish = (caller: Caller, name: string, more: Partial<PublishPipeline> & { task?: string } = {}) => {
    const { task = 'dock@^1', ...rest } = more;
    const spec = { version: 1 as const, tasks: [{ name: 'dock', task, parameters: { of: rest.version ?? '' } }] };
    return publishPipeline(host.platform, caller, { name, version: '1.0.0', spec, ...rest });
  };
  const namesFor = async (caller: Caller, filter: ListCatalogue = {}) =>
    (await listCatalogue(host.platform, caller, filter)).items.map(({ name }) => name);

  test('each caller is shown what it may run, and whose it is', async () => {
    await publish(ada, 'seen-private', { visibility: 'private' });
    await publish(ada, 'seen-org');
    await publish(ada, 'seen-public', { visibility: 'public', description: 'For everyone' });
    await publish(system, 'seen-system');
    await publish(system, 'seen-system-private', { visibility: 'private' });
    const seenBy = async (caller: Caller) =>
      Object.fromEntries(
        (await listCatalogue(host.platform, caller, { text: 'seen-' })).items.map((item) => [item.name, item]),
      );
    expect(Object.keys(await seenBy(ada))).toEqual(['seen-system', 'seen-public', 'seen-org', 'seen-private']);
    expect(Object.keys(await seenBy(ben))).toEqual(['seen-system', 'seen-public', 'seen-org']);
    expect(Object.keys(await seenBy({ ...ada, userId: null }))).toEqual(['seen-system', 'seen-public', 'seen-org']);
    // The same person in another organization is a stranger to what is private here.
    expect(Object.keys(await seenBy({ ...ada, orgId: other.orgId }))).toEqual(['seen-system', 'seen-public']);
    expect(await seenBy(other)).toEqual({
      'seen-system': expect.objectContaining({ owner: 'system', createdBy: null, latestVersion: '1.0.0' }),
      'seen-public': expect.objectContaining({
        owner: 'other',
        visibility: 'public',
        description: 'For everyone',
        createdBy: null,
        deprecated: false,
      }),
    });
    expect((await seenBy(ben))['seen-public']).toMatchObject({ owner: 'organization', createdBy: ada.userId });
  });

  test('the list is filtered, and paged without losing or repeating one', async () => {
    for (let index = 0; index < 5; index++) await publish(ben, `paged-${index}`, { visibility: 'private' });
    await publish(ada, 'paged by ada');
    expect(await namesFor(ben, { text: 'PAGED', visibility: 'private' })).toHaveLength(5);
    expect(await namesFor(ben, { text: 'paged', createdBy: ada.userId ?? '' })).toEqual(['paged by ada']);
    expect(await namesFor(ben, { createdBy: 'nobody' })).toEqual([]);
    expect(await namesFor(other, { text: 'paged' })).toEqual([]);
    expect(await namesFor(ben, { owner: 'system', text: 'paged' })).toEqual([]);
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await listCatalogue(host.platform, ben, { text: 'paged-', limit: 2, cursor });
      expect(page.items.length).toBeLessThanOrEqual(2);
      seen.push(...page.items.map(({ name }) => name));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(seen).toEqual(['paged-4', 'paged-3', 'paged-2', 'paged-1', 'paged-0']);
  });

  test('what a caller types is taken by the letter', async () => {
    await publish(ada, 'literal', { description: "100% of a\\b_c, it's 'quoted'" });
    for (const text of ['100% of', 'a\\b_c', "it's 'quoted'"])
      expect(await namesFor(ada, { text })).toContain('literal');
    for (const text of ['%', '1_0%', "'; drop table pipelines; --"]) {
      const found = await namesFor(ada, { text });
      expect(found).toEqual(text === '%' ? ['literal'] : []);
    }
    for (const asked of [{ text: 'a\0b' }, { text: '' }, { text: '\ud800' }, { limit: Number.NaN }, { cursor: 'mine' }])
      await expect(listCatalogue(host.platform, ada, asked)).rejects.toMatchObject(invalid);
    await expect(listVersions(host.platform, ada, { pipeline: 'a\0' })).rejects.toMatchObject(invalid);
    await expect(
      getVersion(host.platform, ada, { pipeline: 'literal', version: "1' or '1'='1" }),
    ).rejects.toMatchObject(missing);
  });

  test('versions are published at the same time without waiting for each other for ever', async () => {
    await publish(ada, 'crowded', { version: '0.1.0' });
    const versions = ['1.2.0', '1.10.0', '1.9.0', '2.0.0-rc.1', '1.3.0', '1.4.0'];
    await Promise.all(versions.map((version) => publish(ada, 'crowded', { version })));
    expect((await getVersion(host.platform, ben, { pipeline: 'crowded' })).version).toBe('1.10.0');
  });

  test('a deprecated version is the default no more, and still runs where it is named', async () => {
    for (const version of ['1.0.0', '1.1.0', '2.0.0', '3.0.0-rc.1']) await publish(ada, 'aging', { version });
    const deprecate = (version: string) => deprecateVersion(host.platform, ada, { pipeline: 'aging', version });
    const first = await deprecate('2.0.0');
    expect(first).toMatchObject({ latestVersion: '1.1.0', deprecatedAt: expect.any(Date) });
    expect(await deprecate('2.0.0')).toEqual(first);
    expect((await getPublishedPipeline(host.platform.metadata, ben, { pipeline: 'aging' })).version).toBe('1.1.0');

    const run = async (version?: string) => {
      const { jobId } = await submitJob(host.platform, ben, { pipeline: 'aging', version, useCache: false });
      const meta = await inOrganization(host.platform.metadata, ben.orgId, (tx) => findJobMeta(tx, { jobId }));
      return meta?.pipeline_version_id;
    };
    expect(await run('2.0.0')).toBe(first.pipelineVersionId);
    expect(await run()).toBe(
      (await getVersion(host.platform, ben, { pipeline: 'aging', version: '1.1.0' })).pipelineVersionId,
    );

    expect((await listVersions(host.platform, ben, { pipeline: 'aging' })).items).toMatchObject([
      { version: '3.0.0-rc.1', latest: false, deprecatedAt: null },
      { version: '2.0.0', latest: false, deprecatedAt: first.deprecatedAt },
      { version: '1.1.0', latest: true },
      { version: '1.0.0', latest: false },
    ]);
    const current = await listVersions(host.platform, ben, { pipeline: 'aging', includeDeprecated: false, limit: 2 });
    expect(current.items.map(({ version }) => version)).toEqual(['3.0.0-rc.1', '1.1.0']);
    expect(current.nextCursor).toBeDefined();

    await publish(ada, 'aging', { version: '1.5.0' });
    expect((await getVersion(host.platform, ben, { pipeline: 'aging' })).version).toBe('1.5.0');
    for (const version of ['1.0.0', '1.1.0', '1.5.0']) await deprecate(version);
    await expect(submitJob(host.platform, ben, { pipeline: 'aging' })).rejects.toThrow(/2\.0\.0 \(deprecated\)/);
    expect(await namesFor(ben, { text: 'aging' })).toEqual(['aging']);
    expect(await deprecate('3.0.0-rc.1')).toMatchObject({ latestVersion: null });
    expect(await namesFor(ben, { text: 'aging' })).toEqual([]);
    expect((await listCatalogue(host.platform, ben, { text: 'aging', includeDeprecated: true })).items).toMatchObject([
      { name: 'aging', deprecated: true, latestVersion: null },
    ]);
    // Publishing the same content again is the same version: it does not come back.
    await publish(ada, 'aging', { version: '1.5.0' });
    expect(await namesFor(ben, { text: 'aging' })).toEqual([]);
  });

  test('a version that other programs deprecated is no default either', async () => {
    for (const version of ['1.0.0', '1.1.0']) await publish(ada, 'by-hand', { version });
    await inOrganization(host.platform.metadata, ada.orgId, (tx) =>
      sql`update pipeline_versions set deprecated_at = now() where version = '1.1.0'
        and pipeline_id = (select pipeline_id from pipelines where name = 'by-hand')`.execute(tx),
    );
    expect((await getVersion(host.platform, ben, { pipeline: 'by-hand' })).version).toBe('1.0.0');
  });

  test('what was published stays as it is', async () => {
    const { pipelineId, pipelineVersionId } = await publish(ada, 'frozen');
    const inAda = <T>(run: Parameters<typeof inOrganization<T>>[2]) =>
      inOrganization(host.platform.metadata, ada.orgId, run);
    await expect(
      inAda((tx) => updatePipelineVersion(tx, { pipelineVersionId, set: { spec: {} } })),
    ).rejects.toMatchObject({ constraint: 'pipeline_versions_frozen' });
    await expect(publish(ada, 'frozen', { description: 'x', task: 'secret-dock' })).rejects.toMatchObject({
      code: 'MAD_CORE_CONFLICT',
      message: expect.stringMatching(/^pipeline version frozen@1\.0\.0 already exists; .*publish a higher version$/),
    });
    await expect(deleteDraftPipeline(host.platform, ada, { pipeline: 'frozen' })).rejects.toMatchObject({
      code: 'MAD_CORE_ROW_REFUSED',
      constraint: 'pipeline_versions_frozen',
    });
    await deprecateVersion(host.platform, ada, { pipeline: 'frozen', version: '1.0.0' });
    expect(await getVersion(host.platform, ada, { pipeline: pipelineId, version: '1.0.0' })).toMatchObject({
      pipelineVersionId,
      spec: { tasks: [{ name: 'dock', task: 'dock@1.0.0' }] },
    });
  });

  test('a draft shows to its organization that asks for drafts, never runs, and is deleted', async () => {
    const { pipeline_id } = await inOrganization(host.platform.metadata, ada.orgId, async (tx) => {
      const row = await insertPipeline(tx, { name: 'draft', visibility: 'public', created_by: ada.userId });
      await insertPipelineVersion(tx, { pipeline_id: row.pipeline_id, version: '1.0.0', spec: {} });
      return row;
    });
    const drafts = { text: 'draft', includeDrafts: true };
    expect(await namesFor(ben, { text: 'draft' })).toEqual([]);
    expect((await listCatalogue(host.platform, ben, drafts)).items).toMatchObject([
      { name: 'draft', deprecated: false },
    ]);
    expect(await namesFor(other, drafts)).toEqual([]);
    const listed = (caller: Caller, includeDrafts?: boolean) =>
      listVersions(host.platform, caller, { pipeline: pipeline_id, includeDrafts });
    expect((await listed(ben, true)).items).toMatchObject([{ version: '1.0.0', published: false, latest: false }]);
    expect((await listed(ben)).items).toEqual([]);
    expect((await listed(other, true)).items).toEqual([]);
    await expect(submitJob(host.platform, ben, { pipeline: 'draft', version: '1.0.0' })).rejects.toMatchObject(missing);
    await expect(deprecateVersion(host.platform, ada, { pipeline: 'draft', version: '1.0.0' })).rejects.toThrow(
      /it is a draft/,
    );
    await expect(deleteDraftPipeline(host.platform, other, { pipeline: pipeline_id })).rejects.toMatchObject(missing);
    await deleteDraftPipeline(host.platform, ben, { pipeline: 'draft' });
    await expect(deleteDraftPipeline(host.platform, ben, { pipeline: 'draft' })).rejects.toMatchObject(missing);
  });

  test("another user's private pipeline is not there, and does not hide the system's of its name", async () => {
    const { pipelineId } = await publish(ada, 'shared-name', { visibility: 'private' });
    for (const pipeline of ['shared-name', pipelineId]) {
      await expect(getVersion(host.platform, ben, { pipeline })).rejects.toMatchObject(missing);
      await expect(listVersions(host.platform, ben, { pipeline })).rejects.toMatchObject(missing);
      await expect(setVisibility(host.platform, ben, { pipeline, visibility: 'org' })).rejects.toMatchObject(missing);
      await expect(deprecateVersion(host.platform, ben, { pipeline, version: '1.0.0' })).rejects.toMatchObject(missing);
      await expect(submitJob(host.platform, ben, { pipeline })).rejects.toMatchObject(missing);
    }
    const theirs = await publish(system, 'shared-name');
    expect(await getVersion(host.platform, ben, { pipeline: 'shared-name' })).toMatchObject({
      pipelineId: theirs.pipelineId,
      pipelineVersionId: theirs.pipelineVersionId,
    });
    expect(await getVersion(host.platform, ada, { pipeline: 'shared-name' })).toMatchObject({ pipelineId });
  });

  test('only its own organization changes a pipeline that all may run', async () => {
    const ours = await publish(ada, 'lent', { visibility: 'public' });
    const theirs = await publish(system, 'lent-system');
    for (const [caller, { pipelineId: pipeline }] of [
      [other, ours],
      [ada, theirs],
    ] as const) {
      expect(await getVersion(host.platform, caller, { pipeline })).toMatchObject({ version: '1.0.0' });
      await expect(deprecateVersion(host.platform, caller, { pipeline, version: '1.0.0' })).rejects.toMatchObject(
        missing,
      );
      await expect(setVisibility(host.platform, caller, { pipeline, visibility: 'org' })).rejects.toMatchObject(
        missing,
      );
      await expect(deleteDraftPipeline(host.platform, caller, { pipeline })).rejects.toMatchObject(missing);
    }
    await expect(getVersion(host.platform, other, { pipeline: 'lent' })).rejects.toMatchObject(missing);
  });

  test('visibility is changed by who may, and never to what nobody could use', async () => {
    const { pipelineId } = await publish(ada, 'moving');
    const set = (caller: Caller, visibility: 'private' | 'org' | 'public', pipeline = 'moving') =>
      setVisibility(host.platform, caller, { pipeline, visibility });
    await expect(set(ben, 'private')).rejects.toMatchObject(invalid);
    await set(ben, 'public');
    await set(ben, 'public');
    expect(await getVersion(host.platform, other, { pipeline: pipelineId })).toMatchObject({ name: 'moving' });
    const { jobId } = await submitJob(host.platform, other, { pipeline: pipelineId });
    await set(ada, 'private');
    await expect(submitJob(host.platform, other, { pipeline: pipelineId })).rejects.toMatchObject(missing);
    expect(await inOrganization(host.platform.metadata, other.orgId, (tx) => findJobMeta(tx, { jobId }))).toBeDefined();
    expect(await namesFor(ben, { text: 'moving' })).toEqual([]);

    await publish(ada, 'house-recipe', { task: 'secret-dock' });
    await expect(set(ada, 'public', 'house-recipe')).rejects.toThrow(/secret-dock@1\.0\.0/);
    // What nobody is offered any more does not count.
    await publish(ada, 'house-recipe', { version: '2.0.0' });
    await deprecateVersion(host.platform, ada, { pipeline: 'house-recipe', version: '1.0.0' });
    await set(ada, 'public', 'house-recipe');
  });

  test('every call asks for its permission; own pipelines need less', async () => {
    await publish(ada, 'guarded');
    const none: Caller = { ...ada, permissions: new Set() };
    const own: Caller = { ...ada, permissions: new Set(['pipeline.update:own']) };
    const pipeline = 'guarded';
    await expect(listCatalogue(host.platform, none)).rejects.toMatchObject(denied);
    await expect(listVersions(host.platform, none, { pipeline })).rejects.toMatchObject(denied);
    await expect(getVersion(host.platform, none, { pipeline })).rejects.toMatchObject(denied);
    await expect(
      deleteDraftPipeline(host.platform, without(ada, 'pipeline.delete'), { pipeline }),
    ).rejects.toMatchObject(denied);
    const change = async (caller: Caller) => {
      await setVisibility(host.platform, caller, { pipeline, visibility: 'org' });
      await deprecateVersion(host.platform, caller, { pipeline, version: '1.0.0' });
    };
    await expect(change(none)).rejects.toMatchObject(denied);
    await expect(change({ ...own, userId: ben.userId })).rejects.toMatchObject(denied);
    await change(own);
  });
});
