import type { JsonObject, JsonValue } from '@mad/core';
import type { InstanceOutcome } from './interpret.ts';
import { stepOf } from './job-rows.ts';
import type { Mishap, RandomJob, RandomStep } from './random-case.ts';

/** The code that a mishap leaves on the row of its attempt. */
export const CODES: Readonly<Record<Mishap, string>> = {
  temporary: 'TEMPORARY',
  final: 'BROKEN',
  unreachable: 'SERVICE_UNAVAILABLE',
  hang: 'TIMEOUT',
  throws: 'INTERNAL_ERROR',
};

/** Codes after which the next call must carry the same idempotency key: nobody knows whether the service has done the work. */
export const UNANSWERED: readonly unknown[] = ['SERVICE_UNAVAILABLE', 'TIMEOUT'];

/** What a step, or one of its instances, was given at random. */
export function stepAt({ steps }: RandomJob, instance: string): RandomStep {
  const step = steps[Number(stepOf(instance).slice(1))];
  if (!step) throw new TypeError(`no step is named ${instance}`);
  return step;
}

const isFinal = (mishap: Mishap): boolean => mishap === 'final' || mishap === 'throws';

/** What befalls the calls of one instance, in the order of its failures; none beyond the end. */
export function mishapsOf({ mishaps }: RandomStep, instance: string): readonly Mishap[] {
  const sum = [...instance].reduce((total, letter) => total + letter.charCodeAt(0), 0);
  return mishaps[sum % Math.max(mishaps.length, 1)] ?? [];
}

/** The mishaps that an instance must live through until its outcome. */
export function endured(step: RandomStep, instance: string): readonly Mishap[] {
  const first = mishapsOf(step, instance).slice(0, step.attempts);
  const last = first.findIndex(isFinal);
  return last === -1 ? first : first.slice(0, last + 1);
}

export function scriptedOutcome(
  step: RandomStep,
  { name, request }: { name: string; request: JsonObject },
): InstanceOutcome {
  const lived = endured(step, name);
  const last = lived.at(-1);
  const isFailed = last !== undefined && (isFinal(last) || lived.length === step.attempts);
  return isFailed ? { failure: CODES[last] } : { output: answerTo(name, request) };
}

/** What the task answers: who it is, what later steps may read, and what came to it. */
export function answerTo(mark: string, { n, list, ...inputs }: JsonObject): JsonObject {
  const saw = Object.fromEntries(Object.entries(inputs).map(([property, value]) => [property, toMark(value)]));
  return { mark, n: n ?? null, list: list ?? null, saw };
}

/** An output bound as a whole is told by its mark, or outputs would double with every step. */
function toMark(value: JsonValue | undefined): JsonValue {
  if (Array.isArray(value)) return value.map(toMark);
  if (typeof value !== 'object' || value === null) return value ?? null;
  const { mark } = value as JsonObject;
  return typeof mark === 'string' ? `→ ${mark}` : value;
}
