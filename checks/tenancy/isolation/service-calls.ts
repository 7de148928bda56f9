import * as cache from '@mad/cache';
import * as core from '@mad/core';
import * as tasks from '@mad/tasks';
import * as tenancy from '@mad/tenancy';
import { work } from '../../executor/work/work-service.ts';
import { type Arguments, type Attacker, type Call, callExport } from './calls.ts';
import { ONE_STEP_SPEC } from './fill-organization.ts';
import type { Target } from './target.ts';

/** Of a job that nobody asked for before. */
const newWork = () => ({ salt: core.newId(), bytes: 10, wait_ms: 0 });
const page = { limit: 100 };

/** (platform, caller, request) */
const OF_PLATFORM: Record<string, (target: Target, attacker: Attacker) => unknown> = {
  submitJob: (t) => ({ pipeline: t.pipelineId, parameters: newWork(), screeningId: t.screeningId }),
  'submitJob.name': (t) => ({ pipeline: t.pipelineName, parameters: newWork() }),
  'submitJob.key': (t, { own }) => ({
    pipeline: own.pipelineId,
    parameters: newWork(),
    idempotencyKey: t.idempotencyKey,
    itemKey: t.moleculeName,
    screeningId: t.screeningId,
  }),
  'submitJob.artifact': (t, { own }) => ({ pipeline: own.pipelineId, parameters: newWork(), inputs: { file: t.uri } }),
  'submitJob.molecule': (t, { own }) => ({
    pipeline: own.pipelineId,
    parameters: newWork(),
    inputs: { file: core.formatMoleculeUri({ orgId: t.orgId, moleculeId: t.moleculeId, format: 'sdf' }) },
  }),
  'submitJob.stolen': (t, { own }) => ({
    pipeline: own.pipelineId,
    parameters: newWork(),
    inputs: { file: core.formatMoleculeUri({ orgId: own.orgId, moleculeId: t.moleculeId, format: 'sdf' }) },
  }),
  'submitJob.digest': (t, { own }) => ({
    pipeline: own.pipelineId,
    parameters: newWork(),
    inputs: { file: core.formatArtifactUri({ orgId: own.orgId, digest: t.digest }) },
  }),
  submitJobs: (t) => [{ pipeline: t.pipelineId, parameters: newWork() }, { pipeline: t.pipelineName }],
  cancelJob: (t) => ({ jobId: t.pendingJobId }),
  followJob: (t) => ({ jobId: t.jobId, signal: AbortSignal.timeout(2_000) }),
  waitForJob: (t) => ({ jobId: t.jobId, signal: AbortSignal.timeout(2_000) }),
  forkJob: (t) => ({ jobId: t.jobId, parameters: newWork() }),
  'forkJob.inputs': (t, { own }) => ({ jobId: own.jobId, inputs: { file: t.uri }, idempotencyKey: t.idempotencyKey }),
  retryJob: (t) => ({ jobId: t.jobId }),
  getJobResults: (t) => ({ jobId: t.jobId }),
  traceRequest: (t) => ({ pipeline: t.pipelineId, parameters: newWork() }),
  createSchedule: (t) => ({
    name: t.scheduleName,
    cron: '@daily',
    request: { pipeline: t.pipelineId, parameters: newWork() },
  }),
  updateSchedule: (t) => ({ scheduleId: t.scheduleId, enabled: false }),
  deleteSchedule: (t) => ({ scheduleId: t.scheduleId }),
  listSchedules: () => page,
  publishPipeline: (t) => ({ name: t.pipelineName, version: '2.0.0', spec: ONE_STEP_SPEC }),
  listCatalogue: (t) => ({ text: t.pipelineName, createdBy: t.userId, ...page }),
  'listCatalogue.drafts': () => ({ includeDrafts: true, includeDeprecated: true, ...page }),
  listVersions: (t) => ({ pipeline: t.pipelineId, includeDrafts: true }),
  getVersion: (t) => ({ pipeline: t.pipelineId }),
  setVisibility: (t) => ({ pipeline: t.pipelineId, visibility: 'private' }),
  deprecateVersion: (t) => ({ pipeline: t.pipelineId, version: '1.0.0' }),
  deleteDraftPipeline: (t) => ({ pipeline: t.pipelineId }),
  publishTemplate: (t) => ({
    ...{ name: t.templateName, version: '2.0.0', displayName: 'Mine', category: 'docking' },
    definition: ONE_STEP_SPEC,
  }),
  getTemplate: (t) => ({ template: t.templateId }),
  'getTemplate.name': (t) => ({ template: t.templateName, version: '1.0.0' }),
  instantiateTemplate: (t) => ({ template: t.templateId, name: t.moleculeName }),
  listTemplates: (t) => ({ text: t.templateName, ...page }),
  toTemplate: (t) => ({ pipeline: t.pipelineId, category: 'docking' }),
  updateTemplate: (t) => ({ template: t.templateId, displayName: 'Mine' }),
  deleteTemplate: (t) => ({ template: t.templateId }),
  getEntry: (t) => ({ cacheKey: t.cacheKey }),
  listEntries: (t) => ({ canonicalJobId: t.jobId, ...page }),
  pinEntry: (t) => ({ cacheKey: t.cacheKey, pinned: true }),
  setEntryExpiry: (t) => ({ cacheKey: t.cacheKey, expiresAt: null }),
  invalidateEntries: (t) => ({ cacheKey: t.cacheKey }),
  disownEntries: (t) => ({ taskKey: t.taskKey }),
  evictEntries: () => ({ maxBytes: 0, dryRun: true }),
  verifyEntries: () => ({}),
  rerunSampled: () => ({}),
  cacheStatistics: () => ({}),
  collectGarbage: () => ({ graceMs: 0, dryRun: true }),
  explainJob: (t) => ({ jobId: t.jobId }),
  planJob: (t) => ({ pipeline: t.pipelineId, parameters: newWork() }),
  'planJob.artifact': (t, { own }) => ({ pipeline: own.pipelineId, parameters: newWork(), inputs: { file: t.uri } }),
  readQuotas: () => undefined,
};

/** (metadata, caller, request) */
const OF_METADATA: Record<string, (target: Target, attacker: Attacker) => unknown> = {
  getPublishedPipeline: (t) => ({ pipeline: t.pipelineId }),
  listAudit: (t) => ({ orgId: t.orgId, ...page }),
  'listAudit.entity': (t) => ({ actor: t.userId, entityId: t.userId, ...page }),
  verifyAudit: (t) => ({ orgId: t.orgId }),
  auditAnchor: (t) => ({ orgId: t.orgId }),
  setQuotas: () => ({ max_jobs_per_month: 1_000 }),
  removeMember: (t) => ({ userId: t.userId }),
  disableMember: (t) => ({ userId: t.userId }),
  reactivateMember: (t) => ({ userId: t.userId }),
  findMembers: () => page,
  findRoles: () => page,
  inviteMember: (t) => ({ email: t.email, roles: [t.roleName] }),
  listMemberInvitations: () => page,
  revokeInvitation: (t) => ({ invitationId: t.invitationId }),
  setMemberRoles: (t) => ({ userId: t.userId, roles: [t.roleName] }),
  setRolePermissions: (t) => ({ name: t.roleName, permissions: ['job.view'] }),
  removeRole: (t) => ({ name: t.roleName }),
  // Behind the others: it makes a role of that name of its own.
  defineRole: (t) => ({ name: t.roleName, permissions: ['job.view'] }),
  createApiKey: () => ({ name: 'mine', scopes: ['job.view'] }),
  listApiKeys: (t) => ({ userId: t.userId, ...page }),
  revokeApiKey: (t) => ({ tokenId: t.tokenId }),
  activateTask: (t) => ({ task: `${t.taskKey}@1.0.0` }),
  deactivateTask: (t) => ({ task: `${t.taskKey}@1.0.0` }),
  cloneTask: (t) => ({ task: `${t.taskKey}@1.0.0`, taskKey: t.templateName }),
  exportTask: (t) => ({ task: `${t.taskKey}@1.0.0`, withEnvironment: true }),
  registerTaskService: (t) => ({ taskDefinitionId: t.taskDefinitionId, serviceUrl: 'http://127.0.0.1:9' }),
  heartbeatTaskService: (t) => ({ serviceId: t.serviceId }),
  drainTaskService: (t) => ({ serviceId: t.serviceId }),
  resumeTaskService: (t) => ({ serviceId: t.serviceId }),
  liftQuarantine: (t) => ({ serviceId: t.serviceId }),
  listTaskServiceHealth: (t) => ({ taskDefinitionId: t.taskDefinitionId }),
  deregisterTaskService: (t) => ({ serviceId: t.serviceId }),
  registerTask: (t) => ({ document: work.document, taskKey: t.taskKey, version: '3.0.0' }),
};

/** Of what the host wires together, and of calls of another form. */
const OTHERS: Record<string, (target: Target, attacker: Attacker) => unknown> = {
  mirrorJob: (t, { platform, own }) => core.mirrorJob(platform, { orgId: own.orgId, jobId: t.jobId }),
  mirrorJobs: (t, { platform, own }) => core.mirrorJobs(platform, { orgId: own.orgId, jobIds: [t.pendingJobId] }),
  findCaller: (t, { metadata, own }) => tenancy.findCaller(metadata, { orgId: own.orgId, userId: t.userId }),
  recordAudit: (t, { metadata, caller }) =>
    core.inOrganization(metadata, caller.orgId, async (tx) => {
      await core.recordAudit(tx, caller, { action: 'x.y', entityType: 'user', entityId: t.userId } as never);
    }),
  importTask: async (t, { metadata, caller }) => {
    const bundle = await tasks.exportTask(metadata, caller, { task: 'work@1.0.0' });
    return tasks.importTask(metadata, caller, { bundle, taskKey: t.taskKey });
  },
  readArtifactText: (t, { platform, own }) =>
    core.readArtifactText(platform.artifacts, { orgId: own.orgId, digest: t.digest }),
  traceJob: async (t, { results, own }) =>
    core.traceJob(results, { orgId: own.orgId, job: await core.getJob(results, { jobId: t.jobId }) }),
  'artifacts.get': async (t, { platform, own }) => {
    const bytes = await platform.artifacts.get(own.orgId, t.digest);
    return Buffer.concat(await bytes.toArray()).toString('utf8');
  },
  'artifacts.head': (t, { platform, own }) => platform.artifacts.head(own.orgId, t.digest),
  'artifacts.delete': (t, { platform, own }) => platform.artifacts.delete(own.orgId, t.digest),
  'artifacts.list': (_, { platform, own }) => Array.fromAsync(platform.artifacts.list(own.orgId)),
  'cache.find': (t, { platform, results, own }) =>
    platform.cache.find(results, { orgId: own.orgId, cacheKey: t.cacheKey, peek: true }),
  'results.get': async (_, { platform, own }) => core.listJobs(await platform.results.get(own.orgId), { limit: 100 }),
};

const EXPORTS = { ...core, ...tasks, ...cache, ...tenancy };
/** A function that is not exported cannot be called; one that is exported under another name is found by `listUncatalogued`. */
const isExported = (name: string) => Object.hasOwn(EXPORTS, name.split('.')[0] ?? '');

const calls = (arguments_: Arguments): readonly Call[] =>
  Object.entries(arguments_)
    .filter(([name]) => isExported(name))
    .map(([name, args]) => ({
      name,
      kind: 'service',
      run: (attacker, target) => callExport(EXPORTS, name, args(target, attacker)),
    }));

const given = (
  requests: Record<string, (target: Target, attacker: Attacker) => unknown>,
  first: (attacker: Attacker) => readonly unknown[],
): Arguments =>
  Object.fromEntries(
    Object.entries(requests).map(([name, request]) => [
      name,
      (target, attacker) => [...first(attacker), request(target, attacker)],
    ]),
  );

const FOUND: readonly Call[] = [
  ...calls(given(OF_PLATFORM, ({ platform, caller }) => [platform, caller])),
  ...calls(given(OF_METADATA, ({ metadata, caller }) => [metadata, caller])),
  ...Object.entries(OTHERS).map(
    ([name, run]): Call => ({ name, kind: 'service', run: (attacker, t) => run(t, attacker) }),
  ),
];

/** What leaves a trace of the names that it was given comes last: it would be found by those that list. */
const LEAVES_TRACE =
  /^(artifacts\.delete|submit|fork|retry|create|publish|instantiate|toTemplate|clone|import|register|record|invite|define|set)/;

export const SERVICE_CALLS: readonly Call[] = [
  ...FOUND.filter(({ name }) => !LEAVES_TRACE.test(name)),
  ...FOUND.filter(({ name }) => LEAVES_TRACE.test(name)),
];
