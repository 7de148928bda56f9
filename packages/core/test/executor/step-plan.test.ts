import { describe, expect, test } from 'vitest';
import { StepPlan } from '../../src/executor/step-plan.ts';
import { type PublishedStep, parsePipelineSpec } from '../../src/pipeline/pipeline-spec.ts';
import { createStepGraph } from '../../src/pipeline/step-graph.ts';

const GIVEN = { inputs: {}, parameters: { list: ['a', 'b'] } };
const plan = (tasks: object[]) => {
  const spec = parsePipelineSpec({ version: 1, tasks: tasks.map((more) => ({ task: 'dock@^1', ...more })) });
  return new StepPlan(createStepGraph(spec.tasks as PublishedStep[]), GIVEN);
};

function takeAll(of: StepPlan): string[] {
  const names: string[] = [];
  for (let next = of.next(); next; next = of.next()) names.push(next.name);
  return names;
}

describe('the plan of a job', () => {
  test('a join starts after its last dependency, once', () => {
    const diamond = plan([
      { name: 'a' },
      { name: 'b', dependsOn: ['a'] },
      { name: 'c', dependsOn: ['a'] },
      { name: 'd', dependsOn: ['b', 'c'] },
    ]);
    const a = diamond.next();
    expect(a?.name).toBe('a');
    expect(diamond.next()).toBeUndefined();
    if (a) diamond.complete(a, {});
    const [b, c] = [diamond.next(), diamond.next()];
    expect([b?.name, c?.name, diamond.next()]).toEqual(['b', 'c', undefined]);
    if (b) diamond.complete(b, {});
    expect(diamond.next()).toBeUndefined();
    if (c) diamond.complete(c, {});
    expect(takeAll(diamond)).toEqual(['d']);
  });

  test('ten thousand steps in a chain are done without recursion, and ten thousand beside each other without a scan', () => {
    const chain = plan(
      Array.from({ length: 10_000 }, (_, i) => ({ name: `s${i}`, dependsOn: i === 0 ? [] : [`s${i - 1}`] })),
    );
    let done = 0;
    for (let next = chain.next(); next; next = chain.next()) {
      chain.complete(next, {});
      done++;
    }
    expect([done, chain.isDone]).toEqual([10_000, true]);
    expect(takeAll(plan(Array.from({ length: 10_000 }, (_, i) => ({ name: `s${i}` }))))).toHaveLength(10_000);
  });

  test('a failure that skips settles everything behind it, also what waits for others', () => {
    const of = plan([
      { name: 'a', onFailure: 'skip' },
      { name: 'b' },
      { name: 'c', dependsOn: ['a', 'b'] },
      { name: 'd', dependsOn: ['c'] },
    ]);
    const [a, b] = [of.next(), of.next()];
    if (a) of.fail(a, new Error('a'));
    expect(of.takeSkipped().map(({ step }) => step.name)).toEqual(['c', 'd']);
    if (b) of.complete(b, {});
    expect([of.next(), of.isDone, of.failure, of.isWhole]).toEqual([undefined, true, undefined, false]);
  });

  test('steps with items take turns, and a failed item stops those that have not begun', () => {
    const each = { forEach: { items: { from: '/parameters/list' } } };
    expect(
      takeAll(
        plan([
          { name: 'x', ...each },
          { name: 'y', ...each },
        ]),
      ),
    ).toEqual(['x[0]', 'y[0]', 'x[1]', 'y[1]']);
    const of = plan([{ name: 'x', forEach: { items: { from: '/parameters/list' }, concurrency: 1 } }]);
    const first = of.next();
    expect(of.next()).toBeUndefined();
    expect(first && of.fail(first, new Error('bad'))).toEqual({ stopStep: true });
    expect([of.next(), of.failure?.step]).toEqual([undefined, 'x[0]']);
  });
});
