import { isJsonObject, type JsonValue, parsePointer } from '@mad/core';
import type { Difference } from './explanation.ts';
import { isFile, sortedText } from './key-differences.ts';

/** Of a value so much is shown. */
const MAX_SHOWN = 80;

/** The facts of a task, by their name in a key: what is said where they differ. */
const TASK_WORDS: Readonly<Record<string, (change: Change) => string>> = {
  taskKey: ({ change }) => `task ${change}`,
  version: ({ change }) => `task version ${change}`,
  interfaceDigest: () => 'interface changed',
  producer: ({ before, after, change }) =>
    isImageDigest(before) || isImageDigest(after) ? 'image digest changed' : `engine ${change}`,
  architecture: ({ change }) => `architecture ${change}`,
  determinism: ({ change }) => `determinism ${change}`,
};

interface Change {
  readonly before: JsonValue | undefined;
  readonly after: JsonValue | undefined;
  /** `1.0.0 → 1.1.0` */
  readonly change: string;
}

/** A component that differs, in words. Where it stands for a file, `contents` says how the files differ. */
export function toDifference(
  component: string,
  values: { readonly before: JsonValue | undefined; readonly after: JsonValue | undefined },
  contents?: string | undefined,
): Difference {
  const tokens = parsePointer(component);
  const [part = '', ...place] = tokens;
  // What is salted in is nobody's to see.
  if (part === 'salt') return { component, before: undefined, after: undefined, words: 'salt changed' };
  const [before, after] = [cut(values.before), cut(values.after)];
  return { component, before, after, words: wordsOf({ part, place, contents, ...values }) };
}

interface Named {
  readonly part: string;
  readonly place: readonly string[];
  readonly contents: string | undefined;
  readonly before: JsonValue | undefined;
  readonly after: JsonValue | undefined;
}

function wordsOf({ part, place, contents, before, after }: Named): string {
  const change = `${show(before)} → ${show(after)}`;
  const bare = `${showBare(before)} → ${showBare(after)}`;
  const name = place.map((token) => shorten(token.replaceAll(/[^\x20-\x7e]/g, '?'))).join('.');
  if (part === 'version') return `key version ${bare}`;
  if (part === 'spec') return 'pipeline steps changed';
  if (part === 'task') return taskWords(place[0], { before, after, change: bare });
  if (part === 'tasks') {
    const [index = '0', fact] = place;
    return `step ${Number(index) + 1}: ${taskWords(fact, { before, after, change: bare })}`;
  }
  if (part !== 'inputs' && part !== 'parameters') return `${[part, name].filter(Boolean).join('.')} ${bare}`;
  if (isFile(before) && isFile(after)) return `${name}: ${contents ?? 'other content'}`;
  return `${part}${name && `.${name}`} ${change}`;
}

function taskWords(fact: string | undefined, change: Change): string {
  return TASK_WORDS[fact ?? '']?.(change) ?? `task ${fact ?? ''} changed`;
}

const isImageDigest = (value: JsonValue | undefined): boolean =>
  typeof value === 'string' && /sha256:|^[0-9a-f]{64}$/.test(value);

function show(value: JsonValue | undefined): string {
  if (value === undefined) return 'absent';
  if (isFile(value)) return `a file (${value.$artifact.slice(0, 8)})`;
  return shorten(sortedText(value));
}

/** Words of the library's own need no quotes. */
function showBare(value: JsonValue | undefined): string {
  return typeof value === 'string' ? shorten(value) : value === null || value === undefined ? 'none' : show(value);
}

function shorten(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN - 1).toWellFormed()}…` : text;
}

function cut(value: JsonValue | undefined): JsonValue | undefined {
  if (typeof value === 'string') return shorten(value);
  if (!isJsonObject(value) && !Array.isArray(value)) return value;
  const text = JSON.stringify(value);
  return text.length > 1_000 ? shorten(text) : value;
}
