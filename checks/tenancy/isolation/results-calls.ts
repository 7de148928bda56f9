import * as core from '@mad/core';
import { type Arguments, type Call, callExport } from './calls.ts';
import { undone } from './undone.ts';

const page = { limit: 100 };
const signed = (t: { readonly cacheKey: string; readonly jobId: string }) => ({
  ...{ cache_key: t.cacheKey, task_name: 'only', canonical_job_id: t.jobId },
  ...{ artifact_map: {}, artifact_sizes: {}, producer: {} },
});

/** Every repository function of a Results DB, through the handle of the attacker's own. */
const ARGUMENTS: Arguments = {
  findCacheEntry: (t) => [{ cacheKey: t.cacheKey }],
  findCacheEntries: (t) => [{ cacheKeys: [t.cacheKey] }],
  findCacheKeys: (t) => [{ prefix: t.cacheKey.slice(0, 20), limit: 10 }],
  listCacheEntries: (t) => [{ canonicalJobId: t.jobId, ...page }],
  'listCacheEntries.all': () => [page],
  pinCacheEntry: (t) => [{ cacheKey: t.cacheKey, actor: null, pinned: true }],
  expireCacheEntry: (t) => [{ cacheKey: t.cacheKey, actor: null, expiresAt: new Date(0), slidingMs: null }],
  countHits: (t) => [{ counted: [{ cacheKey: t.cacheKey, hits: 7, rerun: true }] }],
  quarantineEntries: (t) => [{ damaged: [{ cacheKey: t.cacheKey, seal: null, reason: 'mine', metadata: {} }] }],
  listCacheEvents: (t) => [{ cacheKey: t.cacheKey }],
  claimCacheFlights: (t) => [
    { owner: core.newId(), leaseMs: 1_000, flights: [{ cacheKey: t.cacheKey, jobId: t.jobId, taskName: 'only' }] },
  ],
  listCacheFlights: (t) => [{ cacheKeys: [t.cacheKey] }],
  renewCacheFlights: (t) => [{ flights: [{ cacheKey: t.cacheKey, fence: 1 }], leaseMs: 1_000 }],
  endCacheFlights: (t) => [{ flights: [{ cacheKey: t.cacheKey, fence: 1 }] }],
  endCacheFlightUnshared: (t) => [{ cacheKey: t.cacheKey, fence: 1 }],
  noteCacheFlightProgress: (t) => [{ cacheKey: t.cacheKey, fence: 1, progress: 0.5 }],
  deleteOldCacheFlights: () => [],
  listCacheDecisions: (t) => [{ jobId: t.jobId }],
  listCacheCandidates: (t) => [{ taskKey: 'work', inputSignatures: [t.inputSignature] }],
  listComputeTimes: () => [{ taskKey: 'work' }],
  readCacheStatistics: () => [],
  listDockingResults: (t) => [{ jobId: t.jobId }],
  evictEntryRows: () => [{ maxBytes: 0, dryRun: true, actor: null }],
  failOverdueJobs: () => [],
  insertJobs: (t) => [{ jobs: [{ job: { job_id: t.jobId, pipeline_version: 'x@1.0.0' }, inputs: [], events: [] }] }],
  findJob: (t) => [{ jobId: t.jobId }],
  getJob: (t) => [{ jobId: t.jobId }],
  findJobByIdempotencyKey: (t) => [{ idempotencyKey: t.idempotencyKey }],
  listJobsByIdempotencyKey: (t) => [{ idempotencyKeys: [t.idempotencyKey] }],
  listJobs: (t) => [{ screeningId: t.screeningId, ...page }],
  listJobInputs: (t) => [{ jobId: t.jobId }],
  listInputsOfJobs: (t) => [{ jobIds: [t.jobId, t.pendingJobId] }],
  listJobOutputs: (t) => [{ jobId: t.jobId }],
  requestJobCancel: (t) => [{ jobId: t.pendingJobId }],
  appendJobEvents: (t) => [{ jobId: t.pendingJobId, events: [{ event: 'NOTE' }] }],
  listJobEvents: (t) => [{ jobId: t.jobId }],
  listJobEventsAfter: (t) => [[{ jobId: t.jobId, afterSeq: 0 }], 10],
  releaseJobLease: (t) => [{ jobId: t.pendingJobId, fence: 0 }],
  cancelPendingJob: (t) => [{ jobId: t.pendingJobId }],
  readJobUsage: () => [],
  readStoredBytes: () => [],
  forgetStoredFiles: (t) => [{ digests: [t.digest] }],
  countStoredFiles: () => [],
  listReferredDigests: () => [],
  lookUpEntries: (t) => [{ cacheKeys: [t.cacheKey] }],
  listMirroredJobs: (t) => [{ jobIds: [t.jobId] }],
  weighEntries: (t) => [{ entries: [signed(t)] }],
  writeEntries: (t) => [
    {
      entries: [],
      replaced: [],
      drifted: [{ cache_key: t.cacheKey, canonical_job_id: t.jobId, job_id: t.jobId }],
      yielding: [],
    },
  ],
  listSampledJobs: () => [{ limit: 10 }],
  clearSampled: (t) => [{ cacheKeys: [t.cacheKey] }],
  listTaskExecutions: (t) => [{ jobId: t.jobId }],
  listRunningExecutions: (t) => [{ instances: [{ jobId: t.jobId, taskName: 'only' }] }],
  finishOpenTaskExecutions: (t) => [{ jobId: t.jobId, status: 'FAILED' }],
  recordAcceptedExecution: (t) => [
    { execId: t.execId, jobId: t.jobId, fence: 1, serviceId: t.serviceId, externalId: 'mine' },
  ],
  appendTaskLogs: (t) => [
    { jobId: t.jobId, lines: [{ exec_id: t.execId, task_name: 'only', message: 'mine' }], cap: 10 },
  ],
  listTaskLogs: (t) => [{ jobId: t.jobId, ...page }],
  copyTaskResults: (t, { own }) => [{ fromJobId: t.jobId, toJobId: own.pendingJobId, taskNames: ['only'] }],
  findTaskResult: (t) => [{ jobId: t.jobId, taskName: 'only' }],
  listTaskResults: (t) => [{ jobId: t.jobId }],
  readResultsTime: () => [],
  listUnverifiedKeys: () => [{ before: new Date().toISOString(), limit: 10 }],
  noteVerified: (t) => [{ cacheKeys: [t.cacheKey] }],
  invalidateEntryRows: (t) => [{ cacheKey: t.cacheKey, reason: 'mine', actor: null }],
  disownEntryRows: (t) => [{ cacheKey: t.cacheKey, actor: null }],
  listAffectedJobs: (t) => [{ cacheKey: t.cacheKey }],
  checkResultsStamp: (t) => [{ orgId: t.orgId }],
};

const ON_OWN: Arguments = {
  getPermittedJob: (t, { caller }) => [caller, { jobId: t.jobId, permission: 'job.view' }],
};

export const RESULTS_CALLS: readonly Call[] = Object.entries({ ...ARGUMENTS, ...ON_OWN }).map(([name, args]) => ({
  name,
  kind: 'results',
  run: (attacker, target, look) =>
    undone<core.ResultsTransaction>({
      open: (run) => attacker.results.transaction().execute(run),
      call: (tx) => callExport(core, name, [tx, ...args(target, attacker)]),
      look,
    }),
}));
