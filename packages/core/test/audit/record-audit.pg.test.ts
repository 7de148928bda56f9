import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  auditDigest,
  type Caller,
  createSchedule,
  deleteDraftPipeline,
  deleteSchedule,
  deleteTemplate,
  deprecateVersion,
  getVersion,
  inOrganization,
  insertPipeline,
  instantiateTemplate,
  listAuditLogs,
  newId,
  type PipelineSpecInput,
  publishPipeline,
  publishTemplate,
  recordAudit,
  setVisibility,
  toTemplate,
  updateSchedule,
  updateTemplate,
} from '../../src/index.ts';
import { type CataloguePlatform, openCataloguePlatform, storeTask, without } from '../pipeline/stored-tasks.ts';

const SPEC: PipelineSpecInput = { version: 1, tasks: [{ name: 'dock', task: 'dock@^1' }] };
const missing = { code: 'MAD_CORE_NOT_FOUND' };

/** A call that changes something. */
interface Act {
  readonly action: string;
  readonly needs: string;
  readonly entityType: string;
  /** Made by the caller given, again too; answers with the id of what it changed. */
  readonly run: (caller: Caller) => Promise<string>;
  /** Whether made again it changes nothing, or finds nothing. @default nothing is changed */
  readonly again?: 'refused' | 'anew';
}

describe.each(['pglite', 'postgres'] as const)('what a caller changes on %s', (kind) => {
  let host: CataloguePlatform;
  let ada: Caller;
  beforeAll(async () => {
    host = await openCataloguePlatform(kind);
    ada = { ...host.ada, permissions: new Set([...host.ada.permissions, 'job.cancel']) };
    await storeTask(host.platform, host.system, { taskKey: 'dock' });
  });
  afterAll(() => host[Symbol.asyncDispose]());

  const trail = async () => {
    const { items } = await inOrganization(host.platform.metadata, ada.orgId, (tx) =>
      listAuditLogs(tx, { limit: 500 }),
    );
    return items.toReversed();
  };
  /** What the call left. */
  const leftBy = async (call: () => Promise<unknown>) => {
    const before = (await trail()).length;
    await call();
    return (await trail()).slice(before);
  };

  test.each(['a\0b', 'a\ud800b', Number.NaN])('facts with %j are refused by name', async (value) => {
    const change = { action: 'x.y', entityType: 'x', entityId: null, facts: { reason: { text: value } } };
    const recording = inOrganization(host.platform.metadata, ada.orgId, (tx) => recordAudit(tx, ada, change));
    await expect(recording).rejects.toMatchObject({ issues: [{ pointer: '/facts/reason/text' }] });
  });

  test('leaves one entry each, none where it is denied, and none where nothing is changed', async () => {
    const { platform } = host;
    const draft = await inOrganization(platform.metadata, ada.orgId, (tx) => insertPipeline(tx, { name: 'draft' }));
    const version = { pipeline: 'docking', version: '1.0.0' };
    const template = { name: 'to-dock', version: '1.0.0', displayName: 'Dock', category: 'docking', definition: SPEC };
    const schedule = { name: 'nightly', cron: '@daily', request: { pipeline: 'docking' } };
    const made = { templateId: '', scheduleId: '' };
    const idOf = async (name: string) => (await getVersion(platform, ada, { pipeline: name })).pipelineId;
    const acts: readonly Act[] = [
      {
        ...{ action: 'pipeline.publish', needs: 'pipeline.create', entityType: 'pipeline_version' },
        run: async (as) =>
          (await publishPipeline(platform, as, { name: 'docking', version: '1.0.0', spec: SPEC })).pipelineVersionId,
      },
      {
        ...{ action: 'pipeline.update', needs: 'pipeline.update', entityType: 'pipeline' },
        async run(as) {
          await setVisibility(platform, as, { pipeline: 'docking', visibility: 'public' });
          return idOf('docking');
        },
      },
      {
        ...{ action: 'template.publish', needs: 'pipeline.create', entityType: 'pipeline_template' },
        async run(as) {
          made.templateId = (await publishTemplate(platform, as, template)).templateId;
          return made.templateId;
        },
      },
      {
        ...{ action: 'template.publish', needs: 'pipeline.create', entityType: 'pipeline_template' },
        run: async (as) => (await toTemplate(platform, as, { ...version, category: 'docking' })).templateId,
      },
      {
        ...{ action: 'template.update', needs: 'pipeline.update', entityType: 'pipeline_template' },
        async run(as) {
          await updateTemplate(platform, as, { template: 'to-dock', displayName: 'Dock a ligand' });
          return made.templateId;
        },
      },
      {
        ...{ action: 'pipeline.publish', needs: 'pipeline.create', entityType: 'pipeline_version' },
        run: async (as) =>
          (await instantiateTemplate(platform, as, { template: 'to-dock', name: 'made' })).pipelineVersionId,
      },
      {
        ...{ action: 'template.delete', needs: 'pipeline.delete', entityType: 'pipeline_template', again: 'refused' },
        async run(as) {
          await deleteTemplate(platform, as, { template: 'to-dock' });
          return made.templateId;
        },
      },
      {
        ...{ action: 'pipeline.delete', needs: 'pipeline.delete', entityType: 'pipeline', again: 'refused' },
        async run(as) {
          await deleteDraftPipeline(platform, as, { pipeline: 'draft' });
          return draft.pipeline_id;
        },
      },
      {
        ...{ action: 'schedule.create', needs: 'job.create', entityType: 'job_schedule', again: 'refused' },
        async run(as) {
          made.scheduleId = (await createSchedule(platform, as, schedule)).scheduleId;
          return made.scheduleId;
        },
      },
      {
        // Whoever changes it is the one as whom it submits: each time is a change.
        ...{ action: 'schedule.update', needs: 'job.cancel', entityType: 'job_schedule', again: 'anew' },
        run: async (as) =>
          (await updateSchedule(platform, as, { scheduleId: made.scheduleId, enabled: false })).scheduleId,
      },
      {
        ...{ action: 'schedule.delete', needs: 'job.cancel', entityType: 'job_schedule', again: 'refused' },
        async run(as) {
          await deleteSchedule(platform, as, { scheduleId: made.scheduleId });
          return made.scheduleId;
        },
      },
      {
        ...{ action: 'pipeline.deprecate', needs: 'pipeline.update', entityType: 'pipeline_version' },
        run: async (as) => (await deprecateVersion(platform, as, version)).pipelineVersionId,
      },
    ];
    for (const { action, needs, entityType, run, again } of acts) {
      const denied = () =>
        expect(run(without(ada, needs)), action).rejects.toMatchObject({ code: 'MAD_CORE_PERMISSION_DENIED' });
      expect(await leftBy(denied), action).toEqual([]);
      let entityId: string | undefined;
      const left = await leftBy(async () => {
        entityId = await run(ada);
      });
      const expected = { action, entity_type: entityType, entity_id: entityId, user_id: ada.userId };
      expect(left, action).toEqual([expect.objectContaining(expected)]);
      const repeat = () => (again === 'refused' ? expect(run(ada), action).rejects.toThrow() : run(ada));
      expect(await leftBy(repeat), action).toHaveLength(again === 'anew' ? 1 : 0);
    }
  });

  test('tells what stood before and what stands then', async () => {
    const { platform } = host;
    await publishPipeline(platform, ada, { name: 'shown', version: '1.0.0', spec: SPEC });
    const [entry] = await leftBy(() => setVisibility(platform, ada, { pipeline: 'shown', visibility: 'public' }));
    expect(entry?.metadata).toEqual({
      actor: expect.objectContaining({ user_id: ada.userId }),
      before: auditDigest({ name: 'shown', visibility: 'org' }),
      after: auditDigest({ name: 'shown', visibility: 'public' }),
      ...{ name: 'shown', visibility: 'public', was: 'org' },
    });
  });

  test('leaves none where it fails', async () => {
    const { platform } = host;
    await publishPipeline(platform, ada, { name: 'taken', version: '1.0.0', spec: SPEC });
    const other = { ...SPEC, tasks: [{ name: 'again', task: 'dock@^1' }] };
    const calls = () => [
      expect(publishPipeline(platform, ada, { name: 'taken', version: '1.0.0', spec: other })).rejects.toMatchObject({
        code: 'MAD_CORE_CONFLICT',
      }),
      expect(deprecateVersion(platform, ada, { pipeline: 'taken', version: '3.0.0' })).rejects.toMatchObject(missing),
      expect(deleteDraftPipeline(platform, ada, { pipeline: 'taken' })).rejects.toThrow(),
      expect(deleteTemplate(platform, ada, { template: newId() })).rejects.toMatchObject(missing),
      expect(deleteSchedule(platform, ada, { scheduleId: newId() })).rejects.toMatchObject(missing),
    ];
    expect(await leftBy(() => Promise.all(calls()))).toEqual([]);
  });

  test('is not done where it cannot be noted', async () => {
    const { platform } = host;
    await publishPipeline(platform, ada, { name: 'kept', version: '1.0.0', spec: SPEC });
    const nobody: Caller = { ...ada, userId: newId() };
    await expect(deprecateVersion(platform, nobody, { pipeline: 'kept', version: '1.0.0' })).rejects.toThrow();
    expect(await getVersion(platform, ada, { pipeline: 'kept' })).toMatchObject({ version: '1.0.0' });
  });
});
