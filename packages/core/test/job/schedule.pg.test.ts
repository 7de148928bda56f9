import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type CreateSchedule,
  createSchedule,
  deleteSchedule,
  inAllOrganizations,
  inOrganization,
  insertUser,
  listSchedules,
  newId,
  type Platform,
  publishPipeline,
  runDueSchedules,
  type ScheduledRequest,
  submitJob,
  submitJobs,
  UNUSABLE_PASSWORD,
  updateSchedule,
} from '../../src/index.ts';
import { nextTick } from '../../src/job/schedule/next-tick.ts';
import {
  callerOf,
  createTestTasks,
  ORG_ID,
  OTHER_ORG_ID,
  openTestPlatform,
  step,
  type TestPlatform,
} from '../executor/test-platform.ts';

const BERLIN = (cron: string) => ({ cron, timezone: 'Europe/Berlin' });

test.each([
  // Summer time begins on 2027-03-28 at 02:00 in Berlin: 02:30 does not exist, and ticks right after the gap.
  [BERLIN('30 2 * * *'), '2027-03-27T12:00:00Z', '2027-03-28T01:00:00.000Z'],
  [BERLIN('30 2 * * *'), '2027-03-28T01:00:00Z', '2027-03-29T00:30:00.000Z'],
  // It ends on 2026-10-25 at 03:00: 02:30 comes twice, and ticks once.
  [BERLIN('30 2 * * *'), '2026-10-24T12:00:00Z', '2026-10-25T00:30:00.000Z'],
  [BERLIN('30 2 * * *'), '2026-10-25T00:30:00Z', '2026-10-26T01:30:00.000Z'],
  // An interval goes on through the hour that comes twice.
  [BERLIN('*/30 * * * *'), '2026-10-25T00:30:00Z', '2026-10-25T01:00:00.000Z'],
  [{ cron: '0 9 * * 1-5', timezone: 'America/New_York' }, '2026-11-20T20:00:00Z', '2026-11-23T14:00:00.000Z'],
  [{ cron: '@daily', timezone: 'UTC' }, '2026-11-20T20:00:00Z', '2026-11-21T00:00:00.000Z'],
])('%o after %s ticks at %s', (clock, after, tick) => {
  expect(nextTick(clock, new Date(after))?.toISOString()).toBe(tick);
});

describe.each(['pglite', 'postgres'] as const)('schedules on %s', (kind) => {
  let host: TestPlatform;
  let now: Date;
  let platform: Platform;
  beforeAll(async () => {
    host = await openTestPlatform(kind, createTestTasks({ count: () => ({}) }));
    platform = { ...host.platform, clock: { now: () => now, sleep: async () => {} } };
    await publishPipeline(host.platform, host.caller, {
      name: 'counting',
      version: '1.0.0',
      spec: {
        version: 1,
        parameters: { type: 'object', properties: { n: { type: 'integer' } } },
        tasks: [step('count')],
      },
    });
  });
  afterAll(() => host[Symbol.asyncDispose]());
  beforeEach(async () => {
    now = new Date('2027-01-01T00:00:30Z');
    await host.results.deleteFrom('jobs').execute();
    await inOrganization(host.metadata, ORG_ID, (tx) => tx.deleteFrom('job_schedules').execute());
  });

  const create = (more: Partial<CreateSchedule> = {}) =>
    createSchedule(platform, host.caller, {
      name: 'hourly',
      cron: '0 * * * *',
      request: { pipeline: 'counting', parameters: { n: 1 } },
      ...more,
    });
  const jobs = () => host.results.selectFrom('jobs').selectAll().orderBy('created_at').execute();
  const only = async () => (await listSchedules(platform, host.caller)).items[0];
  const insertTestUser = async (): Promise<string> =>
    (
      await inAllOrganizations(host.metadata, (tx) =>
        insertUser(tx, { email: `${newId()}@example.org`, hashed_password: UNUSABLE_PASSWORD }),
      )
    ).user_id;

  test('a tick gives one job, whoever and how often it is asked for', async () => {
    const { scheduleId, nextRunAt } = await create();
    expect(nextRunAt?.toISOString()).toBe('2027-01-01T01:00:00.000Z');
    expect(await runDueSchedules(platform)).toEqual([]);
    now = new Date('2027-01-01T01:00:00Z');
    const runs = (await Promise.all([1, 2, 3, 4].map(() => runDueSchedules(platform)))).flat();
    const [job, ...more] = await jobs();
    expect(more).toEqual([]);
    expect(runs).toEqual([{ orgId: ORG_ID, scheduleId, tick: now, jobId: job?.job_id }]);
    expect(job).toMatchObject({ idempotency_key: `schedule/${scheduleId}/2027-01-01T01:00:00.000Z`, params: { n: 1 } });
    expect(await only()).toMatchObject({
      nextRunAt: new Date('2027-01-01T02:00:00Z'),
      lastRunAt: now,
      lastJobId: job?.job_id,
      lastError: null,
    });
    expect(await runDueSchedules(platform)).toEqual([]);
    now = new Date('2027-01-01T02:00:01Z');
    expect(await runDueSchedules(platform)).toHaveLength(1);
    expect(await jobs()).toHaveLength(2);
  });

  test('every option of its request is kept', async () => {
    const request: Required<ScheduledRequest> = {
      ...{ pipeline: 'counting', version: '1.0.0', inputs: {}, parameters: { n: 1 }, useCache: false },
      ...{ minConfidence: 0.5, acceptStochastic: true, priority: 3, screeningId: newId(), itemKey: 'mol-1' },
    };
    const { scheduleId } = await create({ request });
    expect((await only())?.request).toEqual(request);
    const renamed = { scheduleId, nmae: 'x' };
    await expect(updateSchedule(platform, host.caller, renamed)).rejects.toThrow(/\/nmae: .* name\?/);
    await updateSchedule(platform, host.caller, { scheduleId, name: 'renamed' });
    expect((await only())?.request).toEqual(request);
  });

  test('a process that died between the job and the note of it leaves no second job', async () => {
    const { scheduleId, nextRunAt } = await create();
    now = new Date('2027-01-01T01:00:00Z');
    await runDueSchedules(platform);
    await inOrganization(host.metadata, ORG_ID, (tx) =>
      tx
        .updateTable('job_schedules')
        .set({ next_run_at: nextRunAt, last_job_id: null })
        .where('schedule_id', '=', scheduleId)
        .execute(),
    );
    // Changed meanwhile, too: the tick has its job.
    await updateSchedule(platform, host.caller, {
      scheduleId,
      request: { pipeline: 'counting', parameters: { n: 2 } },
    });
    const [run] = await runDueSchedules(platform);
    const all = await jobs();
    expect(all.map(({ job_id }) => job_id)).toEqual([run?.jobId]);
    expect(await only()).toMatchObject({ lastJobId: run?.jobId, lastError: null });
  });

  test('nobody else takes the place of a tick by its key', async () => {
    const { scheduleId } = await create();
    const squat = { pipeline: 'counting', idempotencyKey: `schedule/${scheduleId}/2027-01-01T01:00:00.000Z` };
    await expect(submitJob(platform, host.caller, squat)).rejects.toThrow(
      /\/idempotencyKey: expected a key that does not/,
    );
    const [outcome] = await submitJobs(platform, host.caller, [squat]);
    expect(outcome?.error).toMatchObject({ code: 'MAD_CORE_VALIDATION_FAILED' });
    now = new Date('2027-01-01T01:00:01Z');
    expect(await runDueSchedules(platform)).toHaveLength(1);
    expect((await jobs()).map(({ params }) => params)).toEqual([{ n: 1 }]);
  });

  test('ticks that nobody was there for give one job, or none where the schedule says so', async () => {
    await create({ name: 'catching up' });
    await create({ name: 'leaving out', catchUp: false });
    now = new Date('2027-01-01T09:30:00Z');
    const runs = await runDueSchedules(platform);
    expect(runs.map(({ jobId }) => jobId !== undefined).sort()).toEqual([false, true]);
    expect((await jobs()).map(({ idempotency_key }) => idempotency_key?.slice(-24))).toEqual([
      '2027-01-01T01:00:00.000Z',
    ]);
    const { items } = await listSchedules(platform, host.caller);
    expect(items.map(({ nextRunAt }) => nextRunAt)).toEqual([
      new Date('2027-01-01T10:00:00Z'),
      new Date('2027-01-01T10:00:00Z'),
    ]);
    now = new Date('2027-01-01T10:00:20Z');
    expect((await runDueSchedules(platform)).every(({ jobId }) => jobId !== undefined)).toBe(true);
  });

  test('a submission that is refused is noted and holds up no other; the next tick is tried again', async () => {
    await publishPipeline(host.platform, host.caller, {
      name: 'leaving',
      version: '1.0.0',
      spec: { version: 1, tasks: [step('count')] },
    });
    const broken = await create({ name: 'broken', request: { pipeline: 'leaving' } });
    await create({ name: 'fine' });
    await inOrganization(host.metadata, ORG_ID, (tx) =>
      tx
        .updateTable('job_schedules')
        .set({ request: { pipeline: 'gone' } })
        .where('schedule_id', '=', broken.scheduleId)
        .execute(),
    );
    now = new Date('2027-01-01T01:00:00Z');
    const runs = await runDueSchedules(platform);
    expect(runs.find(({ scheduleId }) => scheduleId === broken.scheduleId)?.error?.code).toBe('MAD_CORE_NOT_FOUND');
    expect(await jobs()).toHaveLength(1);
    const { items } = await listSchedules(platform, host.caller);
    expect(items.find(({ name }) => name === 'broken')).toMatchObject({
      lastError: { code: 'MAD_CORE_NOT_FOUND', message: expect.stringContaining('gone') },
      lastJobId: null,
      nextRunAt: new Date('2027-01-01T02:00:00Z'),
    });
  });

  test('a fault leaves the tick due, noted', async () => {
    const { scheduleId } = await create();
    now = new Date('2027-01-01T01:00:00Z');
    const results = { get: () => Promise.reject(new RangeError('the results database is away')) };
    expect(await runDueSchedules({ ...platform, results })).toEqual([]);
    expect(await only()).toMatchObject({ lastError: { code: 'INTERNAL_ERROR' }, nextRunAt: now });
    expect(await runDueSchedules(platform)).toMatchObject([{ scheduleId, tick: now }]);
    expect(await only()).toMatchObject({ lastError: null });
  });

  test('it submits as whoever created it, with what the host says they may at this moment', async () => {
    const userId = await insertTestUser();
    await createSchedule(
      platform,
      { ...host.caller, userId },
      { name: 'mine', cron: '@hourly', request: { pipeline: 'counting' } },
    );
    now = new Date('2027-01-01T01:00:00Z');
    const [denied] = await runDueSchedules(platform, { findCaller: async () => undefined });
    expect(denied?.error?.code).toBe('MAD_CORE_PERMISSION_DENIED');
    now = new Date('2027-01-01T02:00:00Z');
    await runDueSchedules(platform);
    expect((await jobs()).map(({ submitted_by }) => submitted_by)).toEqual([userId]);
  });

  test('one that is not enabled does not tick, and is not due for what it slept through', async () => {
    const { scheduleId } = await create();
    await updateSchedule(platform, host.caller, { scheduleId, enabled: false });
    now = new Date('2027-01-01T05:30:00Z');
    expect(await runDueSchedules(platform)).toEqual([]);
    const updated = await updateSchedule(platform, host.caller, { scheduleId, enabled: true, cron: '15 * * * *' });
    expect(updated).toMatchObject({ enabled: true, nextRunAt: new Date('2027-01-01T06:15:00Z'), name: 'hourly' });
    expect(await runDueSchedules(platform)).toEqual([]);
    await deleteSchedule(platform, host.caller, { scheduleId });
    expect((await listSchedules(platform, host.caller)).items).toEqual([]);
    await expect(deleteSchedule(platform, host.caller, { scheduleId })).rejects.toThrow(/was not found/);
  });

  test("a permission for one's own reaches one's own schedules; who changes one is the one it submits as", async () => {
    const [owner, other] = [await insertTestUser(), await insertTestUser()];
    const standard = (userId: string) => ({
      orgId: ORG_ID,
      userId,
      permissions: new Set(['job.create', 'job.cancel:own', 'job.view:own']),
    });
    const { scheduleId } = await createSchedule(platform, standard(owner), {
      name: 'own',
      cron: '@daily',
      request: { pipeline: 'counting' },
    });
    await expect(updateSchedule(platform, standard(other), { scheduleId, name: 'taken' })).rejects.toThrow(
      /job\.cancel/,
    );
    await expect(deleteSchedule(platform, standard(other), { scheduleId })).rejects.toThrow(/job\.cancel/);
    expect((await listSchedules(platform, standard(other))).items).toEqual([]);
    expect((await listSchedules(platform, standard(owner))).items).toHaveLength(1);
    const admin = { ...host.caller, userId: other };
    expect(await updateSchedule(platform, admin, { scheduleId, name: 'theirs' })).toMatchObject({ createdBy: other });
    expect((await listSchedules(platform, callerOf(OTHER_ORG_ID))).items).toEqual([]);
    await expect(deleteSchedule(platform, callerOf(OTHER_ORG_ID), { scheduleId })).rejects.toThrow(/was not found/);
    await expect(create({ name: 'theirs' })).rejects.toMatchObject({ code: 'MAD_CORE_CONFLICT' });
  });

  test.each([
    [{ cron: '* * * * * *' }, '/cron'],
    [{ cron: '2027-01-01T00:00:00' }, '/cron'],
    [{ cron: '0 0 30 2 *' }, 'never comes'],
    [{ cron: '@reboot' }, '/cron'],
    [{ cron: '61 * * * *' }, '/cron'],
    [{ timezone: 'Mars/Olympus' }, '/timezone'],
    [{ timezone: '+02:00' }, '/timezone'],
    [{ name: '' }, '/name'],
    [{ request: { pipeline: 'counting', idempotencyKey: 'k' } }, '/request/idempotencyKey'],
    [{ request: { pipeline: 'counting', deadline: new Date() } }, '/request/deadline'],
    [{ request: { pipeline: 'counting', parameters: { n: 'x' } } }, '/parameters/n'],
    [{ request: { pipeline: 'nowhere' } }, 'nowhere was not found'],
    [{ request: undefined }, '/request'],
    [{ request: { pipeline: 'counting', useCahce: false } }, '/useCahce: no such option; did you mean useCache?'],
    [{ timezome: 'Europe/Berlin' }, '/timezome: no such option; did you mean timezone?'],
  ])('%j is refused', async (wrong, place) => {
    await expect(create(wrong as Partial<CreateSchedule>)).rejects.toThrow(place);
    expect((await listSchedules(platform, host.caller)).items).toEqual([]);
  });

  test.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['a list', []],
    ['what throws', { name: 'x', cron: '@daily', request: new Proxy({}, { ownKeys: () => [].reduce((a) => a) }) }],
  ])('what is no schedule is refused: %s', async (_what, wrong) => {
    const code = 'MAD_CORE_VALIDATION_FAILED';
    await expect(createSchedule(platform, host.caller, wrong as CreateSchedule)).rejects.toMatchObject({ code });
    if (wrong === undefined)
      await expect(updateSchedule(platform, host.caller, wrong as never)).rejects.toMatchObject({ code });
  });
});
