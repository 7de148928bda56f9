import type { JsonObject } from '../json.ts';
import type { PublishedStep } from '../pipeline/pipeline-spec.ts';
import { dependenciesOf } from '../pipeline/step-graph.ts';

export interface StepsRun {
  /** In an order in which each step comes after those it depends on. */
  readonly steps: readonly PublishedStep[];
  /** Step instance → committed output; grows as steps commit. */
  readonly outputs: Map<string, JsonObject>;
  readonly concurrency: number;
  /** Brings one step to its committed output. */
  readonly run: (step: PublishedStep, signal: AbortSignal) => Promise<JsonObject>;
  readonly signal: AbortSignal;
}

/** Thrown away from the group when one of its steps has failed: the others are stopped, their work is not lost to a commit. */
const STOPPED = new DOMException('another step of the job failed', 'AbortError');

export interface StepFailure {
  readonly step: string;
  readonly error: unknown;
}

/**
 * Runs every step that has no output yet, each as soon as its dependencies have committed. When one fails the running ones are stopped and
 * awaited, and the failure is returned. When the signal aborts its reason is thrown, after all have ended.
 */
export async function runSteps({
  steps,
  outputs,
  concurrency,
  run,
  signal,
}: StepsRun): Promise<StepFailure | undefined> {
  const stop = new AbortController();
  const group = AbortSignal.any([signal, stop.signal]);
  const waiting = new Map(steps.filter(({ name }) => !outputs.has(name)).map((step) => [step.name, step]));
  const running = new Map<string, Promise<void>>();
  let failure: StepFailure | undefined;

  const start = (step: PublishedStep): void => {
    waiting.delete(step.name);
    const done = run(step, group).then(
      (output) => void outputs.set(step.name, output),
      (error: unknown) => {
        failure ??= { step: step.name, error };
        stop.abort(STOPPED);
      },
    );
    running.set(
      step.name,
      done.finally(() => void running.delete(step.name)),
    );
  };

  for (;;) {
    if (!group.aborted) {
      for (const step of waiting.values()) {
        if (running.size >= concurrency) break;
        if (dependenciesOf(step).every((name) => outputs.has(name))) start(step);
      }
    }
    if (running.size === 0) break;
    await Promise.race(running.values());
  }
  signal.throwIfAborted();
  return failure;
}
