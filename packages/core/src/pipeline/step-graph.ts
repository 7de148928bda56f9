import { ValidationFailedError, type ValidationIssue } from '../errors.ts';
import type { PipelineStep } from './pipeline-spec.ts';

/** The names of the steps that a step waits for: declared ones and those its inputs are bound to. */
export function dependenciesOf({ dependsOn, inputs }: Pick<PipelineStep, 'dependsOn' | 'inputs'>): string[] {
  const bound = Object.values(inputs).flatMap(({ from }) => findSourceStep(from) ?? []);
  return [...new Set([...dependsOn, ...bound])];
}

/** The step a binding reads from; undefined when it reads inputs or parameters. */
export function findSourceStep(from: string): string | undefined {
  const [, root, step] = from.split('/');
  return root === 'steps' ? step : undefined;
}

/**
 * The steps in an order in which each comes after those it depends on, stable for steps that are free to each other. Linear, without recursion.
 * @throws {ValidationFailedError} for duplicate names, unknown dependencies and cycles, which are named.
 */
export function orderSteps<Step extends PipelineStep>(steps: readonly Step[]): Step[] {
  const byName = new Map<string, Step>();
  const issues: ValidationIssue[] = [];
  steps.forEach((step, index) => {
    if (byName.has(step.name))
      issues.push({
        pointer: `/tasks/${index}/name`,
        message: `the name ${step.name} is used twice; give each step its own`,
      });
    byName.set(step.name, step);
  });
  const waitsFor = new Map<string, number>();
  const dependents = new Map<string, string[]>();
  steps.forEach((step, index) => {
    const dependencies = dependenciesOf(step);
    waitsFor.set(step.name, dependencies.length);
    for (const dependency of dependencies) {
      if (!byName.has(dependency))
        issues.push({
          pointer: `/tasks/${index}/dependsOn`,
          message: `step ${step.name} depends on ${dependency}, which is no step of this pipeline`,
        });
      const list = dependents.get(dependency);
      if (list) list.push(step.name);
      else dependents.set(dependency, [step.name]);
    }
  });
  if (issues.length > 0) throw new ValidationFailedError({ subject: 'pipeline spec', issues });

  const ready = steps.filter((step) => waitsFor.get(step.name) === 0);
  for (let next = 0; next < ready.length; next++) {
    for (const name of dependents.get(ready[next]?.name ?? '') ?? []) {
      const left = (waitsFor.get(name) ?? 0) - 1;
      waitsFor.set(name, left);
      const step = byName.get(name);
      if (left === 0 && step) ready.push(step);
    }
  }
  if (ready.length < steps.length) {
    const cycle = findCycle(byName, waitsFor);
    throw new ValidationFailedError({
      subject: 'pipeline spec',
      issues: [{ pointer: '/tasks', message: `steps wait for each other in a circle: ${cycle.join(' → ')}` }],
    });
  }
  return ready;
}

function findCycle(byName: ReadonlyMap<string, PipelineStep>, waitsFor: ReadonlyMap<string, number>): string[] {
  const stuck = (name: string) => (waitsFor.get(name) ?? 0) > 0;
  const path: string[] = [];
  const seen = new Map<string, number>();
  let name = [...byName.keys()].find(stuck);
  while (name !== undefined && !seen.has(name)) {
    seen.set(name, path.length);
    path.push(name);
    const step = byName.get(name);
    name = step && dependenciesOf(step).find(stuck);
  }
  return name === undefined ? path : [...path.slice(seen.get(name)), name];
}
