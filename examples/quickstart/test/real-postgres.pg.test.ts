import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createResultCache } from '@mad/cache';
import {
  connectPostgres,
  createInProcessQueue,
  createLocalArtifactStore,
  Executor,
  findJobMeta,
  followJob,
  getJobResults,
  inOrganization,
  migrateMetadata,
  openMetadataDatabase,
  type Platform,
  publishPipeline,
  submitJob,
} from '@mad/core';
import { createTaskRunner, registerTask, registerTaskService } from '@mad/tasks';
import { createTaskService, defineOperation } from '@mad/tasks/service';
import { type Clusters, createQuotas, createResultsDatabases, findCaller, provisionOrganization } from '@mad/tenancy';
import { createPostgresDatabase } from '@mad/testkit';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { z } from 'zod';

test.each(['database', 'schema'] as const)(
  'the four packages on a real server, by a login that owns nothing, organizations placed as %s',
  async (placement) => {
    await using stack = new AsyncDisposableStack();
    const database = stack.use(await createPostgresDatabase());
    const folder = stack.adopt(await mkdtemp(join(tmpdir(), 'mad-real-')), (path) => rm(path, { recursive: true }));
    await migrateMetadata(database.db);
    const login = `app_${crypto.randomUUID().replaceAll('-', '')}`;
    await sql`create role ${sql.id(login)} login`.execute(database.db);
    await sql`grant mad_organization, mad_operator to ${sql.id(login)}`.execute(database.db);
    const app = connectPostgres({ connectionString: database.url.replace(/\/\/[^@]*@/, `//${login}@`) });
    stack.defer(() => app.destroy());

    let runs = 0;
    const weigh = defineOperation({
      taskKey: 'weigh',
      version: '1.0.0',
      title: 'Weigh',
      description: 'Counts the characters of a SMILES.',
      determinism: 'exact',
      request: z.object({ smiles: z.string() }),
      response: z.object({ weight: z.int(), report: z.string().meta({ contentMediaType: 'text/plain' }) }),
      run: ({ smiles }) => ({ weight: smiles.length, report: `weighed ${++runs} times\n` }),
    });
    const service = stack.use(createTaskService({ operations: [weigh] }));
    const { url } = await service.listen();

    const metadata = await openMetadataDatabase(app);
    const at = (name: string) => database.url.replace(/\/[^/]*$/, `/${name}`);
    const own = decodeURIComponent(database.url.split('/').at(-1) ?? '');
    const clusters: Clusters = {
      main: { kind: 'postgres', connect: (name = own) => ({ connectionString: at(name) }) },
    };
    const artifacts = createLocalArtifactStore({ folder });
    const platform: Platform = {
      metadata,
      artifacts,
      results: stack.use(createResultsDatabases({ metadata, clusters })),
      tasks: stack.use(createTaskRunner({ metadata, artifacts, allowedOrigins: [url] })),
      cache: stack.use(createResultCache({ artifacts, metadata })),
      quotas: createQuotas({ metadata }),
      queue: createInProcessQueue(),
    };
    const admin = { email: 'admin@example.org' };
    const { orgId, adminUserId } = await provisionOrganization(
      { metadata, clusters },
      { name: 'acme', placement, cluster: 'main', admin, quotas: { max_jobs_per_month: 1 } },
    );
    const caller = await findCaller(metadata, { orgId, userId: adminUserId ?? '' });
    if (!caller) throw new Error('the administrator is no member');
    const { task_definition_id: taskDefinitionId } = await registerTask(metadata, caller, { document: weigh.document });
    await registerTaskService(metadata, caller, { taskDefinitionId, serviceUrl: `${url}/weigh` });
    await publishPipeline(platform, caller, {
      name: 'weighing',
      version: '1.0.0',
      spec: {
        version: 1,
        parameters: { type: 'object', properties: { smiles: { type: 'string' } }, required: ['smiles'] },
        tasks: [{ name: 'weigh', task: 'weigh@^1', inputs: { smiles: { from: '/parameters/smiles' } } }],
        outputs: { report: { from: '/steps/weigh/output/report' } },
      },
    });
    const executor = stack.use(new Executor(platform));
    executor.start();

    const submit = (smiles = 'CCO') => submitJob(platform, caller, { pipeline: 'weighing', parameters: { smiles } });
    const first = await submit();
    const signal = AbortSignal.timeout(20_000);
    const events = await Array.fromAsync(followJob(platform, caller, { jobId: first.jobId, signal }));
    expect(events.at(-1)?.event).toBe('COMPLETED');
    const again = await submit();
    expect(again).toMatchObject({ status: 'COMPLETED', cache: { hit: true, canonicalJobId: first.jobId } });
    await expect(submit('CC')).rejects.toMatchObject({ code: 'MAD_CORE_QUOTA_EXCEEDED' });
    const results = await getJobResults(platform, caller, { jobId: again.jobId });
    expect(results.taskResults).toMatchObject([{ taskName: 'weigh', resultData: { weight: 3 } }]);
    expect(results.artifacts.report).toMatchObject({ contentType: 'text/plain', sizeBytes: 16 });
    expect(runs).toBe(1);
    const mirror = () => inOrganization(metadata, orgId, (tx) => findJobMeta(tx, { jobId: again.jobId }));
    await expect.poll(mirror).toMatchObject({ status: 'COMPLETED', canonical_job_id: first.jobId });
    if (placement === 'database') {
      stack.defer(async () => {
        await sql`drop database ${sql.id(`mad_results_${orgId.replaceAll('-', '')}`)} with (force)`.execute(
          database.db,
        );
      });
    }
  },
);
