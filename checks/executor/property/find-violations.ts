import { isTerminal, type JsonObject, type TaskExecutionRow } from '@mad/core';
import { type InstanceOutcome, type Interpret, interpret, type PredictedStep, type Prediction } from './interpret.ts';
import { type EventRow, isFailure, isLost, isSkip, type JobRows, stepOf } from './job-rows.ts';
import type { RandomStep } from './random-case.ts';
import { answerTo, endured, scriptedOutcome, stepAt } from './script.ts';
import type { TriedJob } from './scripted-tasks.ts';
import { toParameters } from './to-spec.ts';

const isTerminalEvent = ({ event }: EventRow) => isTerminal(event as 'COMPLETED');

/** What an ended job shows of itself that it must not. */
export function findViolations(tried: TriedJob, rows: JobRows): string[] {
  return [
    ...findFormViolations(rows),
    ...findOrderViolations(tried.prediction, rows),
    ...findOutcomeViolations(tried, rows),
  ];
}

/** What holds for every job, however it ended. */
function* findFormViolations({ job, events, executions, outputs }: JobRows): Generator<string> {
  const { status } = job;
  if (!isTerminal(status)) yield `the job is ${status} at the end`;
  if (events.some(({ seq }, index) => seq !== index + 1)) yield `events are numbered ${events.map(({ seq }) => seq)}`;
  if (job.last_event_seq !== events.length)
    yield `last_event_seq is ${job.last_event_seq} with ${events.length} events`;
  const terminal = events.filter(isTerminalEvent);
  if (terminal.length !== 1 || events.at(-1)?.event !== status)
    yield `a ${status} job has the terminal events [${terminal.map(({ event }) => event)}], the last event is ${events.at(-1)?.event}`;
  if (job.lease_owner !== null || job.lease_expires_at !== null) yield `a ${status} job holds a lease`;
  if (status === 'COMPLETED' && job.error !== null) yield 'a COMPLETED job has an error';
  for (const { task_name, retries, status: open } of executions)
    if (!isTerminal(open)) yield `attempt ${retries} of ${task_name} is ${open} in a job that is ${status}`;

  const names = new Set([...executions.map((row) => row.task_name), ...events.map(({ name }) => name)]);
  for (const name of names) {
    const own = executions.filter((row) => row.task_name === name);
    const told = (event: string) => events.filter((row) => row.event === event && row.name === name).length;
    const done = outputs.filter(([output]) => output === name).length;
    const isCommitted = own.some((row) => row.status === 'COMPLETED');
    if (done !== Number(isCommitted) || told('TASK_COMPLETED') !== done)
      yield `${name} has ${done} results, ${told('TASK_COMPLETED')} TASK_COMPLETED and attempts [${own.map((row) => row.status)}]`;
    if (own.some((row, index) => row.retries !== index))
      yield `attempts of ${name} are numbered ${own.map((row) => row.retries)}`;
    if (told('TASK_SKIPPED') !== own.filter(isSkip).length)
      yield `${name} was told skipped ${told('TASK_SKIPPED')} times`;
    if (told('TASK_LOST') !== own.filter(isLost).length) yield `${name} was told lost ${told('TASK_LOST')} times`;
    if (told('TASK_FAILED') < own.filter(isFailure).length) yield `failures of ${name} are not told`;
  }
}

/** A step's events come after all those of the steps it depends on. */
function* findOrderViolations({ steps }: Prediction, { events }: JobRows): Generator<string> {
  const first = new Map<string, number>();
  const last = new Map<string, number>();
  for (const { seq, event, name } of events) {
    if (!event.startsWith('TASK_')) continue;
    const step = stepOf(name);
    if (event === 'TASK_STARTED' && !first.has(step)) first.set(step, seq);
    last.set(step, seq);
  }
  for (const [name, { dependencies }] of steps) {
    for (const dependency of dependencies) {
      const at = last.get(dependency);
      if (at !== undefined && at > (first.get(name) ?? Number.POSITIVE_INFINITY))
        yield `${name} started at event ${first.get(name)}, and ${dependency} before it had event ${at}`;
    }
  }
}

/** What the steps and the job came to, against the interpreter. */
function* findOutcomeViolations(tried: TriedJob, rows: JobRows): Generator<string> {
  const { random, spec } = tried;
  const { job } = rows;
  const parameters = toParameters(random);
  const outcomeOf: Interpret['outcomeOf'] = (instance) => {
    const step = stepAt(tried.random, instance.name);
    const own = rows.executions.filter((row) => row.task_name === instance.name);
    return wasLate(step, instance.name, own) ? foundOutcome(step, own, instance) : scriptedOutcome(step, instance);
  };
  const prediction = interpret({ spec, parameters, outcomeOf });
  const code = String(job.error?.code);
  const mayBe = {
    canceled: random.cancel !== undefined && job.cancel_requested_at !== null,
    late: (random.timeoutMs !== undefined || random.deadlineMs !== undefined) && code === 'TIMEOUT',
  };
  const endedEarly = (job.status === 'CANCELED' && mayBe.canceled) || (job.status === 'FAILED' && mayBe.late);
  if (job.status !== prediction.status && !endedEarly)
    yield `the job is ${job.status} ${JSON.stringify(job.error)}, ${prediction.status} was due`;
  if (random.cancel?.atCall === 0 && job.fence === 0 && job.status !== 'CANCELED' && !endedEarly)
    yield 'a job that was canceled before its start did not end so';
  if (job.status === 'FAILED' && !endedEarly && prediction.fatal.get(String(job.error?.step)) !== code)
    yield `the job failed with ${code} of ${job.error?.step}, possible were ${JSON.stringify([...prediction.fatal])}`;
  for (const predicted of prediction.steps.values())
    yield* findStepViolations(tried, { predicted, rows, isWhole: job.status === 'COMPLETED' });
}

interface SeenStep {
  readonly predicted: PredictedStep;
  readonly rows: JobRows;
  /** The job went on to its last step. */
  readonly isWhole: boolean;
}

function* findStepViolations(tried: TriedJob, { predicted, rows, isWhole }: SeenStep): Generator<string> {
  const { step, state, instances } = predicted;
  const executions = rows.executions.filter((row) => stepOf(row.task_name) === step.name);
  const outputs = new Map(rows.outputs.filter(([name]) => stepOf(name) === step.name));
  const isSkipped = executions.some(isSkip);
  if (isSkipped && state !== 'skipped') yield `${step.name} was skipped, ${state} was due`;
  if (isWhole && state === 'skipped' && !isSkipped) yield `${step.name} was not skipped`;
  for (const name of new Set([
    ...executions.filter((row) => !isSkip(row)).map((row) => row.task_name),
    ...outputs.keys(),
  ])) {
    // A fan-out that cannot be expanded fails as a step.
    const isStepItself = state === 'failed' && instances.size === 0 && name === step.name;
    if (!instances.has(name) && !isStepItself) yield `${name} ran, ${state} without it was due`;
  }
  const mayStop = state === 'failed' && step.forEach !== undefined;
  if (isWhole && mayStop && instances.size > 0 && !executions.some(isFailure)) yield `${step.name} did not fail`;
  for (const [name, outcome] of instances) {
    const own = executions.filter((row) => row.task_name === name);
    const failures = own.filter(isFailure).length;
    const output = outputs.get(name);
    const random = stepAt(tried.random, name);
    if (failures > random.attempts) yield `${name} failed ${failures} times, ${random.attempts} attempts are allowed`;
    const due = endured(random, name).length;
    if (output !== undefined && 'failure' in outcome) yield `${name} completed, ${outcome.failure} was due`;
    else if (output !== undefined && 'output' in outcome) {
      if (canonical(output) !== canonical(outcome.output))
        yield `${name} gave ${canonical(output)}, ${canonical(outcome.output)} was due`;
      if (failures !== due && !wasLate(random, name, own))
        yield `${name} completed after ${failures} failures, ${due} were due`;
    } else if (isWhole && 'output' in outcome && !mayStop) yield `${name} has no result`;
    else if (isWhole && 'failure' in outcome && !mayStop && failures === 0) yield `${name} has no failure`;
    if (output === undefined && failures > due && !wasLate(random, name, own))
      yield `${name} failed ${failures} times, ${due} were due`;
  }
}

/** A busy machine can make a call late that was to answer in time. */
function wasLate(step: RandomStep, name: string, own: readonly TaskExecutionRow[]): boolean {
  const late = own.filter((row) => isFailure(row) && row.error?.code === 'TIMEOUT').length;
  return late > endured(step, name).filter((mishap) => mishap === 'hang').length;
}

/** The outcome by the rows, where the clock had a say in it. */
function foundOutcome(
  step: RandomStep,
  own: readonly TaskExecutionRow[],
  { name, request }: { readonly name: string; readonly request: JsonObject },
): InstanceOutcome {
  const failures = own.filter(isFailure);
  const last = failures.at(-1)?.error;
  const isFailed = last && (failures.length >= step.attempts || last.retryable !== true);
  return isFailed ? { failure: String(last.code) } : { output: answerTo(name, request) };
}

const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([one], [two]) => (one < two ? -1 : 1)))
      : inner,
  );
