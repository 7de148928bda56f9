import { expect, test } from 'vitest';
import type { MetadataDatabase } from '../../src/metadata/metadata-database.ts';
import { createLocalSignals } from '../../src/signals/create-local-signals.ts';
import { signalsOf } from '../../src/signals/signals-of.ts';

const JOB = { orgId: 'a', jobId: '1' };

test('every listener of the topic has heard when publish returns, one that throws hinders no other, and none hears after its end', () => {
  const errors: object[] = [];
  const silent = { debug() {}, info() {}, warn() {} };
  const signals = createLocalSignals({ logger: { ...silent, error: (facts) => void errors.push(facts) } });
  const heard: string[] = [];
  const listener = ({ jobId }: { jobId: string }) => void heard.push(jobId);
  const thrower = () => JSON.parse('{');
  using _thrower = signals.subscribe('job.changed', thrower);
  const first = signals.subscribe('job.changed', listener);
  using _second = signals.subscribe('job.changed', listener);
  using _other = signals.subscribe('job.cancel', () => heard.push('cancel'));
  signals.publish('job.changed', [JOB, { ...JOB, jobId: '2' }]);
  expect(heard).toEqual(['1', '2', '1', '2']);
  expect(errors).toMatchObject([{ job_id: '1' }, { job_id: '2' }]);

  first[Symbol.dispose]();
  signals.publish('job.changed', [JOB]);
  expect(heard).toEqual(['1', '2', '1', '2', '1']);
});

test('platforms without signals share those of their Metadata DB handle; a platform that has signals uses its own', () => {
  const metadata = {} as MetadataDatabase;
  expect(signalsOf({ metadata })).toBe(signalsOf({ metadata }));
  expect(signalsOf({ metadata })).not.toBe(signalsOf({ metadata: {} as MetadataDatabase }));
  const signals = createLocalSignals();
  expect(signalsOf({ metadata, signals })).toBe(signals);
});
