import type { BatchObservableResult, Meter } from '@opentelemetry/api';
import type { Executor } from '../executor/executor.ts';

/** Gauges of what runs here and what waits in the queue, by organization; the executor is asked only when metrics are collected. */
export function observeStatus(meter: Meter, executor: Pick<Executor, 'status'>): Disposable {
  const running = meter.createObservableGauge('mad.executor.jobs', {
    unit: '{job}',
    description: 'Jobs that this executor runs',
  });
  const leases = meter.createObservableGauge('mad.executor.leases', {
    unit: '{lease}',
    description: 'Leases that this executor holds',
  });
  const waiting = meter.createObservableGauge('mad.queue.waiting', {
    unit: '{job}',
    description: 'Jobs that wait in the queue',
  });
  const delivered = meter.createObservableGauge('mad.queue.running', {
    unit: '{job}',
    description: 'Jobs of the queue that run, on all machines that share it',
  });
  const oldest = meter.createObservableGauge('mad.queue.oldest_age', {
    unit: 's',
    description: 'How long the oldest waiting job has waited',
  });
  const gauges = [running, leases, waiting, delivered, oldest];

  async function observe(result: BatchObservableResult): Promise<void> {
    const status = await executor.status();
    for (const organization of status.running) {
      const of = { org_id: organization.orgId };
      result.observe(running, organization.jobs, of);
      result.observe(leases, organization.leases.length, of);
    }
    for (const depth of status.queue) {
      const of = { org_id: depth.orgId };
      result.observe(waiting, depth.waiting, of);
      result.observe(delivered, depth.running, of);
      result.observe(oldest, (depth.oldestMs ?? 0) / 1_000, of);
    }
  }

  meter.addBatchObservableCallback(observe, gauges);
  return { [Symbol.dispose]: () => meter.removeBatchObservableCallback(observe, gauges) };
}
