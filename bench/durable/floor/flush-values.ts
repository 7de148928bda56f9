import { newId } from '@mad/core';
import { ANSWER } from '../contender.ts';
import type { FloorJob, Transition } from './transition.ts';

const HOLDER = `bench/${process.pid}`;
const LEASE_S = 30;
const FENCE = 1;
const ANSWER_TEXT = JSON.stringify(ANSWER);

/** Gathers the arrays that one flush statement takes. */
export class FlushValues {
  /** How many jobs and ended executions the statement has to find. */
  jobs = 0;
  readonly ended: string[] = [];
  readonly #claims: string[] = [];
  readonly #held: Columns = [[], [], []];
  readonly #closed: Columns = [[], [], []];
  readonly #started: Columns = [[], [], []];
  readonly #results: Columns = [[], [], []];
  readonly #events: Columns = [[], [], [], [], []];

  /** All transitions of one job that are committed together; each job once. */
  add(job: FloorJob, transitions: readonly Transition[]): void {
    this.jobs++;
    const before = job.lastEvent;
    const kind = transitions.map((transition) => transition.kind).find((found) => found !== 'go on') ?? 'go on';
    if (kind === 'claim') this.#tell(job, 'STARTED');
    for (const { ends = [], starts = [] } of transitions) {
      for (const step of ends) this.#end(job, step);
      for (const step of starts) this.#start(job, step);
    }
    if (kind === 'close') this.#tell(job, 'COMPLETED');
    if (kind === 'claim') this.#claims.push(job.jobId);
    else append(kind === 'close' ? this.#closed : this.#held, [job.jobId, FENCE, job.lastEvent - before]);
  }

  /** In the order of the statement's parameters. */
  list(): unknown[] {
    const { ended } = this;
    return [
      ...[this.#claims, HOLDER, LEASE_S],
      ...[...this.#held, ...this.#closed, ...this.#started, ended, ...this.#results, ...this.#events],
    ];
  }

  #end(job: FloorJob, step: string): void {
    this.ended.push(job.executions.get(step) ?? '');
    append(this.#results, [job.jobId, step, ANSWER_TEXT]);
    this.#tell(job, 'TASK_COMPLETED', { step, metadata: `{"task_name":"${step}","compute_ms":0}` });
  }

  #start(job: FloorJob, step: string): void {
    const execId = newId();
    job.executions.set(step, execId);
    append(this.#started, [execId, job.jobId, step]);
    this.#tell(job, 'TASK_STARTED', { step, metadata: `{"task_name":"${step}","attempt":0}` });
  }

  #tell(job: FloorJob, event: string, { step, metadata = '{}' }: { step?: string; metadata?: string } = {}): void {
    append(this.#events, [job.jobId, ++job.lastEvent, event, step ?? null, metadata]);
  }
}

type Columns = readonly (string | number | null)[][];

function append(columns: Columns, row: readonly (string | number | null)[]): void {
  for (const [at, value] of row.entries()) columns[at]?.push(value);
}
