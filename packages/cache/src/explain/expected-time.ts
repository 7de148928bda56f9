import { type ComputeTime, isJsonObject, type JsonObject, type JsonValue } from '@mad/core';
import { isFile } from './key-differences.ts';

/** Seconds: the median, and what one in twenty exceeds. */
export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
}

/** How long a step takes, by what the same task took before. */
export interface Expected extends Percentiles {
  /** How many earlier results it is reckoned from. */
  readonly samples: number;
  /** What the samples have in common with the step: JSON Pointers into its request, and `input bytes` for files of about the same size. */
  readonly basis: readonly string[];
}

/** A step whose time is wanted. */
export interface TimedRequest {
  /** What is known of its request. */
  readonly request: JsonObject;
  /** Of the files it names; null where they are not known. */
  readonly inputBytes: number | null;
}

/** Fewer samples say little: then less is asked of them. */
const MIN_SAMPLES = 5;
/** What takes more values than that names the case, as a seed or a centre does, rather than how much work it is. */
const MAX_CHOICES = 8;
const LONGEST_WORD = 40;

interface Criterion {
  readonly name: string;
  readonly holds: (sample: ComputeTime) => boolean;
}

/**
 * The median and the 95th percentile of what the task took with the same numbers, words and flags in its request and with files of half to double the size. Where
 * fewer than five samples agree in all that, what varies most between them is given up first, one by one, and the size of the files after what
 * takes more than eight values. Undefined when the task was never computed.
 */
export function expectTime(samples: readonly ComputeTime[], wanted: TimedRequest): Expected | undefined {
  if (samples.length === 0) return undefined;
  const criteria = listCriteria(samples, wanted);
  for (let dropped = 0; dropped <= criteria.length; dropped++) {
    const kept = criteria.slice(dropped);
    const alike = samples.filter((sample) => kept.every(({ holds }) => holds(sample)));
    if (alike.length < MIN_SAMPLES && dropped < criteria.length) continue;
    const times = alike.map(({ compute_ms }) => compute_ms).sort((a, b) => a - b);
    const basis = kept.map(({ name }) => name);
    return { p50: seconds(times, 0.5), p95: seconds(times, 0.95), samples: times.length, basis };
  }
  return undefined;
}

/** What is given up first comes first. */
function listCriteria(samples: readonly ComputeTime[], { request, inputBytes }: TimedRequest): readonly Criterion[] {
  const flat = samples.map((sample) => ({ sample, choices: choicesOf(sample.parameters ?? {}) }));
  const told = flat.filter(({ sample }) => sample.parameters !== null);
  const values = new Map(flat.map(({ sample, choices }) => [sample, choices]));
  const parameters = [...choicesOf(request)]
    .map(([pointer, value]) => ({
      choices: new Set(told.map(({ choices }) => choices.get(pointer))).size,
      criterion: { name: pointer, holds: (sample: ComputeTime) => values.get(sample)?.get(pointer) === value },
    }))
    .sort((a, b) => b.choices - a.choices);
  const bytes = inputBytes === null ? [] : [{ name: 'input bytes', holds: isAbout(inputBytes) }];
  const [names, works] = [parameters.filter(isName), parameters.filter((parameter) => !isName(parameter))];
  return [...names.map(({ criterion }) => criterion), ...bytes, ...works.map(({ criterion }) => criterion)];
}

const isName = ({ choices }: { readonly choices: number }): boolean => choices > MAX_CHOICES;

const isAbout =
  (bytes: number) =>
  ({ input_bytes: other }: ComputeTime): boolean =>
    other !== null && other >= bytes / 2 && other <= bytes * 2;

/** Numbers, flags and short words of a request, by JSON Pointer; what is in lists is not looked at. */
function choicesOf(request: JsonObject): ReadonlyMap<string, JsonValue> {
  const choices = new Map<string, JsonValue>();
  const visit = (value: JsonObject, pointer: string): void => {
    for (const [key, item] of Object.entries(value)) {
      const place = `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
      if (isJsonObject(item)) visit(item, place);
      else if (item === undefined || Array.isArray(item)) continue;
      else if (typeof item !== 'string' || item.length <= LONGEST_WORD) choices.set(place, item);
    }
  };
  visit(request, '');
  return choices;
}

/** What is left of an expected time after so many seconds of it; nothing where it has taken longer already. */
export function remainingOf<Time extends Percentiles>(expected: Time, elapsedSeconds: number): Time {
  const left = (seconds: number) => Math.max(0, Math.round((seconds - elapsedSeconds) * 1_000) / 1_000);
  return { ...expected, p50: left(expected.p50), p95: left(expected.p95) };
}

/** Of sorted times in ms, the smallest that is not below the share. */
function seconds(times: readonly number[], share: number): number {
  return (times[Math.max(0, Math.ceil(times.length * share) - 1)] ?? 0) / 1_000;
}

/** Bytes of the files that a request names, each once. */
export function sumInputBytes(request: JsonValue | undefined): number {
  const files = new Map<string, number>();
  const visit = (value: JsonValue | undefined): void => {
    if (isFile(value)) files.set(value.$artifact, typeof value.sizeBytes === 'number' ? value.sizeBytes : 0);
    else if (Array.isArray(value)) value.forEach(visit);
    else if (isJsonObject(value)) Object.values(value).forEach(visit);
  };
  visit(request);
  return [...files.values()].reduce((sum, bytes) => sum + bytes, 0);
}
