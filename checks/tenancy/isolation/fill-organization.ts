import * as core from '@mad/core';
import { registerTask, registerTaskService } from '@mad/tasks';
import { specOf, type WorkGraph } from '../../executor/work/work-graphs.ts';
import { work } from '../../executor/work/work-service.ts';
import { newTag, type Target } from './target.ts';

const ONE_STEP: WorkGraph = { name: 'one', steps: { only: [] }, middle: 'only', last: 'only' };

const { tasks, ...oneStep } = specOf(ONE_STEP);

/** One step, which reads the job's file where it has one. */
export const ONE_STEP_SPEC: core.PipelineSpecInput = {
  ...oneStep,
  inputs: {
    type: 'object',
    properties: {
      file: { type: 'string', contentEncoding: 'base64', contentMediaType: 'application/octet-stream' },
    },
    additionalProperties: false,
  },
  tasks: tasks.map((task) => ({ ...task, inputs: { ...task.inputs, before: { from: '/inputs/file' } } })),
};

export interface FilledOrganization {
  readonly caller: core.Caller;
  readonly target: Target;
  /** In every text of the organization that nobody else could name. */
  readonly marker: string;
}

export interface FillOrganization {
  readonly platform: core.Platform;
  readonly orgId: string;
  readonly serviceUrl: string;
}

/** A row or more in every table that an organization has, in both databases, and files; one job ran, one waits. */
export async function fillOrganization({ platform, orgId, serviceUrl }: FillOrganization): Promise<FilledOrganization> {
  const { metadata } = platform;
  const marker = `secret ${newTag()}`;
  const name = (what: string) => `${what}-${newTag()}`;
  const { email, userId } = await addUser(metadata, marker);
  const caller: core.Caller = { orgId, userId, permissions: new Set(core.GRANTABLE_PERMISSIONS) };
  const access = await core.inOrganization(metadata, orgId, (tx) => fillAccess(tx, { userId, marker, name }));
  const definition = await registerTask(metadata, caller, { document: work.document });
  const { task_definition_id: taskDefinitionId } = definition;
  await registerTaskService(metadata, caller, { taskDefinitionId, serviceUrl: `${serviceUrl}/work` });
  const own = await core.inOrganization(metadata, orgId, (tx) => fillTasks(tx, { marker, name }));
  const pipelineName = name('pipeline');
  const pipeline = await core.publishPipeline(platform, caller, {
    ...{ name: pipelineName, version: '1.0.0', spec: ONE_STEP_SPEC, description: marker },
  });
  const templateName = name('template');
  const { templateId } = await core.publishTemplate(platform, caller, {
    ...{ name: templateName, version: '1.0.0', displayName: marker, category: 'docking', description: marker },
    definition: ONE_STEP_SPEC,
  });
  const [step] = await core.inOrganization(metadata, orgId, (tx) => core.listPipelineTaskSteps(tx, { templateId }));
  const jobs = await runJobs(platform, caller, { pipeline: pipelineName, marker, idempotencyKey: name('key') });
  const stored = await platform.artifacts.put(orgId, marker);
  const uri = core.formatArtifactUri({ orgId, digest: stored.digest });
  const moleculeName = name('molecule');
  const files = await core.inOrganization(metadata, orgId, async (tx) => {
    const { molecule_id } = await core.insertMolecule(tx, { name: moleculeName, format: 'sdf', uri });
    const { artifact_id } = await core.insertArtifact(tx, { purpose: 'input', uri });
    return { moleculeId: molecule_id, artifactId: artifact_id };
  });
  const scheduleName = name('schedule');
  const request = { pipeline: pipelineName, parameters: { salt: marker, bytes: 20, wait_ms: 0 } };
  const { scheduleId } = await core.createSchedule(platform, caller, { name: scheduleName, cron: '@daily', request });
  const target: Target = {
    ...{ orgId, orgName: orgId, userId, email, pipelineName, templateName, templateId, stepId: step?.step_id ?? '' },
    ...{ pipelineId: pipeline.pipelineId, pipelineVersionId: pipeline.pipelineVersionId, scheduleId, scheduleName },
    ...{ ...access, ...own, ...jobs, ...files, moleculeName, digest: stored.digest, uri },
  };
  return { caller, target, marker };
}

const addUser = (metadata: core.MetadataDatabase, marker: string) =>
  core.inAllOrganizations(metadata, async (tx) => {
    const email = `${newTag()}@example.org`;
    const { user_id } = await core.insertUser(tx, { email, hashed_password: marker });
    return { email, userId: user_id };
  });

interface Names {
  readonly marker: string;
  readonly name: (what: string) => string;
}

async function fillAccess(tx: core.OrganizationTransaction, { userId, marker, name }: Names & { userId: string }) {
  await core.insertOrgSettings(tx);
  const roleName = name('role');
  const { role_id } = await core.insertRole(tx, { name: roleName });
  await core.insertRolePermissions(tx, { roleId: role_id, permissions: [...core.GRANTABLE_PERMISSIONS] });
  await core.insertMembership(tx, { userId });
  await core.insertMembershipRole(tx, { userId, roleId: role_id });
  const { token_id } = await core.insertToken(tx, {
    ...{ user_id: userId, kind: 'api_key', name: marker, expires_at: '2999-01-01' },
  });
  const { audit_id } = await core.insertAuditLog(tx, {
    ...{ user_id: userId, action: 'role.assign', entity_type: 'user', entity_id: userId, metadata: { note: marker } },
  });
  const { invitation_id } = await core.insertInvitation(tx, {
    ...{ email: `${newTag()}@example.org`, role_ids: [role_id] },
    ...{ secret_hash: newTag().slice(3, 11).repeat(8), expires_at: '2999-01-01' },
  });
  return { roleId: role_id, roleName, tokenId: token_id, auditId: audit_id, invitationId: invitation_id };
}

async function fillTasks(tx: core.OrganizationTransaction, { marker, name }: Names) {
  const taskKey = name('task');
  const { task_definition_id } = await core.insertTaskDefinition(tx, {
    ...{ task_id: taskKey, interface_spec: { openapi: '3.1.0', info: { title: marker } } },
  });
  const { service_id } = await core.insertTaskService(tx, {
    ...{ task_definition_id, service_url: `http://127.0.0.1:1/${marker.slice(7)}` },
  });
  return { taskKey, taskDefinitionId: task_definition_id, serviceId: service_id };
}

async function runJobs(
  platform: core.Platform,
  caller: core.Caller,
  { pipeline, marker, idempotencyKey }: { pipeline: string; marker: string; idempotencyKey: string },
) {
  const submit = (salt: string, more: Partial<core.SubmitJob> = {}) =>
    core.submitJob(platform, caller, { pipeline, parameters: { salt, bytes: 200, wait_ms: 0 }, ...more });
  const { jobId } = await submit(marker);
  const status = await core.waitForJob(platform, caller, { jobId, signal: AbortSignal.timeout(20_000) });
  if (status !== 'COMPLETED') {
    const { error } = await core.getJobResults(platform, caller, { jobId });
    throw new TypeError(`expected job ${jobId} to be COMPLETED, it is ${status}: ${JSON.stringify(error)}`);
  }
  const screeningId = core.newId();
  const runAfter = new Date('2999-01-01');
  const waiting = await submit(`${marker} later`, { screeningId, idempotencyKey, itemKey: marker, runAfter });
  const results = await platform.results.get(caller.orgId);
  const [execution] = await core.listTaskExecutions(results, { jobId });
  const execId = execution?.exec_id ?? '';
  await results
    .transaction()
    .execute((tx) =>
      core.appendTaskLogs(tx, { jobId, lines: [{ exec_id: execId, task_name: 'only', message: marker }], cap: 100 }),
    );
  const { items } = await core.listCacheEntries(results, { limit: 10 });
  const entry = items.find(({ task_name }) => task_name === 'only');
  if (!entry) throw new TypeError('expected the step that ran to have an entry of the cache');
  return {
    ...{ jobId, pendingJobId: waiting.jobId, execId, idempotencyKey, screeningId },
    ...{ cacheKey: entry.cache_key, inputSignature: entry.input_signature ?? '' },
  };
}
