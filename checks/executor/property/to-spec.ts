import type { Condition, JsonObject, PipelineSpecInput } from '@mad/core';
import type { RandomCondition, RandomJob, RandomSource, RandomStep } from './random-case.ts';

/** Long enough for a call that answers, on a machine that is busy with much else. */
const TIMEOUT_MS = 150;

const PARAMETERS = {
  type: 'object',
  properties: { n: { type: 'integer' }, list: { type: 'array' } },
  required: ['n', 'list'],
};

type Steps = RandomJob['steps'];
type Step = PipelineSpecInput['tasks'][number];

/** The pipeline of a random job, its steps in the wrong order. */
export function toSpec({ steps, timeoutMs }: RandomJob): PipelineSpecInput {
  const tasks = steps.map((_, index) => toStep(steps, index)).reverse();
  return { version: 1, parameters: PARAMETERS, tasks, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
}

/** What the job is submitted with. */
export function toParameters({ n, list }: RandomJob): JsonObject {
  return { n, list: list.map(({ id }) => ({ id })) };
}

function toStep(steps: Steps, index: number): Step {
  const step = steps[index] as RandomStep;
  const { each, when, attempts, backoffMs, onFailure } = step;
  const reads = step.reads.map((source, at) => [`in${at}`, { from: toPointer(steps, index, source) }]);
  const inputs = Object.fromEntries(each ? [...reads, ['item', { from: '/item' }]] : reads);
  const canHang = step.mishaps.some((mishaps) => mishaps.includes('hang'));
  return {
    name: nameOf(index),
    task: 'random@^1',
    dependsOn: [...new Set(step.after.flatMap((back) => findStep(back, index) ?? []).map(nameOf))],
    parameters: { n: step.n, list: step.list.map(({ id }) => ({ id })) },
    inputs,
    onFailure,
    retry: { attempts, backoffMs, jitter: 0.5 },
    ...(canHang ? { timeoutMs: TIMEOUT_MS } : {}),
    ...(when ? { when: toCondition(steps, index, when) } : {}),
    ...(each ? { forEach: toForEach(steps, index, each) } : {}),
  };
}

function toForEach(steps: Steps, index: number, each: NonNullable<RandomStep['each']>): NonNullable<Step['forEach']> {
  const { source, onItemFailure, byId, concurrency } = each;
  const producer = steps[findProducer(index, source) ?? -1];
  // A list that may be absent is refused when its pipeline is published, where that is known of it.
  const isList = producer?.each && !producer.when && producer.onFailure !== 'continue';
  const part = !producer || (source.part === 'whole' && !isList) ? 'list' : source.part;
  return {
    items: { from: toPointer(steps, index, { ...source, part }) },
    onItemFailure,
    ...(byId ? { key: '/id' } : {}),
    ...(concurrency ? { concurrency } : {}),
  };
}

const nameOf = (index: number): string => `s${index}`;

/** The step that stands so far back; the first step has none before it. */
function findStep(back: number, index: number): number | undefined {
  return index === 0 ? undefined : index - 1 - (back % index);
}

/** The index of the step that is read from; undefined where that is a parameter. */
function findProducer(index: number, { back, ofParameters }: RandomSource): number | undefined {
  return ofParameters ? undefined : findStep(back, index);
}

function toPointer(steps: Steps, index: number, source: RandomSource): string {
  const { part } = source;
  const producer = findProducer(index, source);
  if (producer === undefined) return part === 'list' ? '/parameters/list' : '/parameters/n';
  const output = `/steps/${nameOf(producer)}/output`;
  if (part === 'whole') return output;
  return steps[producer]?.each ? `${output}/0/${part}` : `${output}/${part}`;
}

function toCondition(steps: Steps, index: number, condition: RandomCondition): Condition {
  if ('inner' in condition) {
    const inner = condition.inner.map((each) => toCondition(steps, index, each));
    if (condition.kind === 'not') return { not: { any: inner } };
    return condition.kind === 'all' ? { all: inner } : { any: inner };
  }
  const { kind, value, part } = condition;
  const from = toPointer(
    steps,
    index,
    kind === 'exists' ? condition : { ...condition, part: part === 'whole' ? 'n' : part },
  );
  switch (kind) {
    case 'exists':
      return { from, exists: value > 0 };
    case 'equals':
      return { from, equals: value };
    case 'above':
      return { from, above: value };
    case 'below':
      return { from, below: value };
    case 'in':
      return { from, in: [value, value + 1] };
  }
}
