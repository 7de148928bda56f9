import { channel } from 'node:diagnostics_channel';
import { setTimeout } from 'node:timers/promises';
import { SpanStatusCode } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  cancelJob,
  EXECUTOR_POINTS,
  Executor,
  followJob,
  newId,
  type PipelineSpecInput,
  publishPipeline,
  submitJob,
  TaskFailedError,
} from '../../src/index.ts';
import { instrumentExecutor } from '../../src/opentelemetry/index.ts';
import { createMemoryCache } from '../executor/memory-cache.ts';
import { createTestTasks, ORG_ID, openTestPlatform, step, type TestPlatform } from '../executor/test-platform.ts';

type Tasks = PipelineSpecInput['tasks'];

const fail = (failureCode: string, retryable: boolean) =>
  new TaskFailedError({ failureCode, message: 'secret words of the service', retryable });

describe('an instrumented executor', () => {
  let host: TestPlatform;
  let executor: Executor;
  let instrumented: Disposable;
  let isHanging: boolean;
  const tasks = createTestTasks({
    echo: ({ value }) => ({ value: value ?? null }),
    flaky: (_request, { attempt }) => {
      if (attempt === 0) throw fail('BUSY', true);
      return {};
    },
    broken: () => {
      throw fail('INVALID_SMILES', false);
    },
    hang: async (_request, { signal }) => {
      if (isHanging) await setTimeout(60_000, undefined, { signal });
      return {};
    },
  });
  const spans = new InMemorySpanExporter();
  const tracer = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spans })] }).getTracer('t');
  let meters: MeterProvider;
  let metrics: InMemoryMetricExporter;

  beforeAll(async () => {
    host = await openTestPlatform('pglite', tasks);
  });
  afterAll(() => host[Symbol.asyncDispose]());
  beforeEach(() => {
    isHanging = true;
    spans.reset();
    metrics = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter: metrics, exportIntervalMillis: 3_600_000 });
    meters = new MeterProvider({ readers: [reader] });
    executor = new Executor({ ...host.platform, cache: createMemoryCache() }, { recoverEveryMs: 100, stopGraceMs: 0 });
    instrumented = instrumentExecutor({ tracer, meter: meters.getMeter('t'), executor });
    executor.start();
  });
  afterEach(async () => {
    await executor[Symbol.asyncDispose]();
    instrumented[Symbol.dispose]();
    await meters.shutdown();
  });

  async function submit(steps: Tasks): Promise<string> {
    const name = `p-${newId()}`;
    await publishPipeline(host.platform, host.caller, { name, version: '1.0.0', spec: { version: 1, tasks: steps } });
    return (await submitJob(host.platform, host.caller, { pipeline: name })).jobId;
  }

  async function untilEnd(jobId: string): Promise<void> {
    const signal = AbortSignal.timeout(20_000);
    for await (const _event of followJob(host.platform, host.caller, { jobId, signal }));
  }

  async function untilStarted(jobId: string): Promise<void> {
    for await (const { event } of followJob(host.platform, host.caller, { jobId })) if (event === 'TASK_STARTED') break;
  }

  /** The job's spans, the runs first. */
  const spansOf = (jobId: string): ReadableSpan[] =>
    spans
      .getFinishedSpans()
      .filter(({ attributes }) => attributes.job_id === jobId)
      .toSorted((a, b) => b.name.localeCompare(a.name));

  async function collect(): Promise<Record<string, { value: unknown; attributes: object }[]>> {
    metrics.reset();
    await meters.forceFlush();
    const all =
      metrics
        .getMetrics()
        .at(-1)
        ?.scopeMetrics.flatMap((scope) => scope.metrics) ?? [];
    return Object.fromEntries(
      all.map(({ descriptor, dataPoints }) => [
        descriptor.name,
        dataPoints.map(({ value, attributes }) => ({ value, attributes })),
      ]),
    );
  }

  test('gives a job one span, and each call of a service one below it', async () => {
    const retry = { attempts: 2, backoffMs: 1 };
    const jobId = await submit([step('echo'), step('flaky', { dependsOn: ['echo'], retry })]);
    await untilEnd(jobId);
    await executor[Symbol.asyncDispose]();
    const [job, ...attempts] = spansOf(jobId);
    expect(job).toMatchObject({
      name: 'mad.job',
      attributes: { org_id: ORG_ID, job_id: jobId, 'mad.status': 'COMPLETED', 'mad.outcome': 'closed', 'mad.fence': 1 },
      status: { code: SpanStatusCode.UNSET },
    });
    expect(job?.attributes['mad.pipeline']).toMatch(/^p-.*@1\.0\.0$/);
    expect(job?.parentSpanContext).toBeUndefined();
    expect(job?.events.map(({ name, attributes }) => [name, attributes?.step])).toEqual([
      ['attempt.retrying', 'flaky'],
    ]);
    for (const attempt of attempts) {
      expect(attempt).toMatchObject({ name: 'mad.attempt', attributes: { org_id: ORG_ID, 'mad.cache': 'no_entry' } });
      expect(attempt.parentSpanContext?.spanId).toBe(job?.spanContext().spanId);
      expect(attempt.spanContext().traceId).toBe(job?.spanContext().traceId);
    }
    expect(
      attempts.map(({ attributes, status }) => [
        ...[attributes.step, attributes.attempt, attributes['mad.outcome'], attributes['error.type'], status.code],
      ]),
    ).toEqual([
      ['echo', 0, 'answered', undefined, SpanStatusCode.UNSET],
      ['flaky', 0, 'failed', 'BUSY', SpanStatusCode.ERROR],
      ['flaky', 1, 'answered', undefined, SpanStatusCode.UNSET],
    ]);
  });

  test('marks what failed by its code, and repeats no word of the service', async () => {
    const jobId = await submit([step('broken')]);
    await untilEnd(jobId);
    await executor[Symbol.asyncDispose]();
    for (const span of spansOf(jobId)) {
      expect(span.status).toEqual({ code: SpanStatusCode.ERROR, message: 'INVALID_SMILES' });
      expect(JSON.stringify([span.attributes, span.events])).not.toContain('secret');
    }
    expect(spansOf(jobId)).toHaveLength(2);
  });

  test('ends the spans of a canceled job without an error', async () => {
    const jobId = await submit([step('hang')]);
    await untilStarted(jobId);
    await cancelJob(host.platform, host.caller, { jobId });
    await untilEnd(jobId);
    await executor[Symbol.asyncDispose]();
    expect(spansOf(jobId).map(({ attributes, status }) => [attributes['mad.outcome'], status.code])).toEqual([
      ['closed', SpanStatusCode.UNSET],
      ['canceled', SpanStatusCode.UNSET],
    ]);
    expect(spansOf(jobId).map(({ attributes }) => attributes['mad.status'] ?? attributes['mad.reason'])).toEqual([
      'CANCELED',
      'canceled',
    ]);
  });

  test('shows a run that was interrupted and the one that went on as two', async () => {
    const jobId = await submit([step('hang')]);
    await untilStarted(jobId);
    await executor[Symbol.asyncDispose]();
    expect(spansOf(jobId).map(({ attributes }) => attributes['mad.outcome'])).toEqual(['interrupted', 'canceled']);
    expect(spansOf(jobId)[0]?.attributes['mad.reason']).toBe('executor_stopping');
    isHanging = false;
    executor = new Executor(host.platform, { recoverEveryMs: 50 });
    executor.start();
    await untilEnd(jobId);
    await executor[Symbol.asyncDispose]();
    const runs = spansOf(jobId).filter(({ name }) => name === 'mad.job');
    expect(runs.map(({ attributes }) => [attributes['mad.outcome'], attributes['mad.status']])).toEqual([
      ['interrupted', undefined],
      ['closed', 'COMPLETED'],
    ]);
  });

  test('tells which steps came from the cache and which were skipped', async () => {
    const steps = [step('echo'), step('flaky', { when: { from: '/steps/echo/output/value', equals: 'never' } })];
    await untilEnd(await submit(steps));
    const jobId = await submit(steps);
    await untilEnd(jobId);
    await executor[Symbol.asyncDispose]();
    const [job, ...attempts] = spansOf(jobId);
    expect(attempts).toEqual([]);
    expect(job?.events.map(({ name, attributes }) => [name, attributes?.step])).toEqual([
      ['step.cached', 'echo'],
      ['step.skipped', 'flaky'],
    ]);
    const settled = (await collect())['mad.step.settled'];
    expect(settled?.map(({ value, attributes }) => [(attributes as never)['mad.outcome'], value]).toSorted()).toEqual([
      ['cached', 1],
      ['completed', 1],
      ['skipped', 2],
    ]);
  });

  test('counts and times jobs, attempts and flushes by organization', async () => {
    await untilEnd(await submit([step('echo')]));
    await untilEnd(await submit([step('broken')]));
    await executor[Symbol.asyncDispose]();
    const found = await collect();
    const of = { org_id: ORG_ID };
    expect(found['mad.job.closed']).toEqual([
      { value: 1, attributes: { ...of, 'mad.status': 'COMPLETED' } },
      { value: 1, attributes: { ...of, 'mad.status': 'FAILED', 'error.type': 'INVALID_SMILES' } },
    ]);
    expect(found['mad.attempt.ended']).toEqual([
      { value: 1, attributes: { ...of, 'mad.outcome': 'answered' } },
      { value: 1, attributes: { ...of, 'mad.outcome': 'failed', 'error.type': 'INVALID_SMILES' } },
    ]);
    for (const name of ['mad.job.duration', 'mad.attempt.duration'])
      for (const { value } of found[name] ?? []) {
        const { count, min, max } = value as { count: number; min: number; max: number };
        expect(count).toBe(1);
        expect(min).toBeGreaterThan(0);
        expect(max).toBeLessThan(20);
      }
    expect(found['mad.job.duration']).toHaveLength(2);
    expect(found['mad.attempt.duration']).toHaveLength(2);
    const [flush] = found['mad.flush.size'] ?? [];
    expect(flush?.value).toMatchObject({ min: 1, max: 1 });
  });

  test('shows what runs and waits by gauges, and how long the oldest has waited', async () => {
    await executor[Symbol.asyncDispose]();
    instrumented[Symbol.dispose]();
    executor = new Executor(host.platform, { concurrency: 1, stopGraceMs: 0, recoverEveryMs: 100 });
    instrumented = instrumentExecutor({ tracer, meter: meters.getMeter('t'), executor });
    executor.start();
    const jobIds = [await submit([step('hang')]), await submit([step('hang')])];
    await untilStarted(jobIds[0] ?? '');
    const found = await collect();
    const attributes = { org_id: ORG_ID };
    expect(found).toMatchObject({
      'mad.executor.jobs': [{ value: 1, attributes }],
      'mad.executor.leases': [{ value: 1, attributes }],
      'mad.queue.waiting': [{ value: 1, attributes }],
      'mad.queue.running': [{ value: 1, attributes }],
      'mad.queue.oldest_age': [{ attributes }],
    });
    expect(found['mad.queue.oldest_age']?.[0]?.value).toBeLessThan(20);
    for (const jobId of jobIds) await cancelJob(host.platform, host.caller, { jobId });
    for (const jobId of jobIds) await untilEnd(jobId);
  });
});

describe('the spans that are open', () => {
  const spans = new InMemorySpanExporter();
  const tracer = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spans })] }).getTracer('t');
  const publish = (point: string, facts: object) => channel(`mad:${point}`).publish({ org_id: ORG_ID, ...facts });
  const claim = (job_id: string) => publish('job.claimed', { job_id, pipeline: 'p@1.0.0', fence: 1 });
  const outcomes = () =>
    spans.getFinishedSpans().map(({ attributes }) => [attributes.job_id, attributes['mad.outcome']]);
  beforeEach(() => spans.reset());

  test('end when nothing was heard of their job for long, and not while its lease is renewed', async () => {
    using _instrumented = instrumentExecutor({ tracer, lostAfterMs: 60 });
    claim('lost');
    claim('kept');
    publish('attempt.started', { job_id: 'lost', step: 'dock', attempt: 0, cache: null });
    for (let turn = 0; turn < 20; turn++) {
      publish('lease.renewed', { job_ids: ['kept', 'unknown'] });
      await setTimeout(10);
    }
    expect(outcomes()).toEqual([
      ['lost', 'lost'],
      ['lost', 'lost'],
    ]);
  });

  test('end when the job is claimed anew, and the oldest when there are too many', () => {
    using _instrumented = instrumentExecutor({ tracer });
    claim('again');
    claim('again');
    expect(outcomes()).toEqual([['again', 'lost']]);
    for (let job = 0; job < 10_000; job++) claim(`job ${job}`);
    expect(outcomes().at(-1)).toEqual(['again', 'lost']);
    expect(outcomes()).toHaveLength(2);
    claim('one more');
    expect(outcomes().at(-1)).toEqual(['job 0', 'lost']);
  });

  test('end with the instrumentation, which then listens to nothing', () => {
    const instrumented = instrumentExecutor({ tracer });
    expect(channel('mad:job.claimed').hasSubscribers).toBe(true);
    claim('open');
    instrumented[Symbol.dispose]();
    instrumented[Symbol.dispose]();
    expect(outcomes()).toEqual([['open', 'lost']]);
    expect(EXECUTOR_POINTS.filter((point) => channel(`mad:${point}`).hasSubscribers)).toEqual([]);
  });
});
