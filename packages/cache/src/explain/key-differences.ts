import { findByPointer, isJsonObject, type JsonObject, type JsonValue } from '@mad/core';

/** A longer list is one component. */
const MAX_LIST = 16;
/** What stands beside the components and is in no key. */
const BESIDE = new Set(['/determinism', '/exactDigests']);

/** The components of two keys that differ, by JSON Pointer: each at the highest place that only one of the two has. */
export function differingComponents(before: JsonObject, after: JsonObject): readonly string[] {
  const found: string[] = [];
  compare(before, after, { pointer: '', found });
  return dropConsequences(found, { before, after });
}

interface Comparison {
  readonly pointer: string;
  readonly found: string[];
}

function compare(before: JsonValue | undefined, after: JsonValue | undefined, { pointer, found }: Comparison): void {
  const [old, now] = [innerOf(before), innerOf(after)];
  if (!old || !now || Array.isArray(before) !== Array.isArray(after) || isEmptied(old, now, pointer)) {
    if (sortedText(before) !== sortedText(after)) found.push(pointer);
    return;
  }
  const names = new Set([...Object.keys(old), ...Object.keys(now)]);
  for (const name of names) {
    const place = `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (!BESIDE.has(place)) compare(old[name], now[name], { pointer: place, found });
  }
}

/** What is compared part by part; undefined for what is one component. */
function innerOf(value: JsonValue | undefined): JsonObject | undefined {
  if (Array.isArray(value)) return value.length > MAX_LIST ? undefined : Object.fromEntries(value.entries());
  return isJsonObject(value) && !isFile(value) ? value : undefined;
}

/** True where one has parts and the other none: all its parts together are what differs. Not of the parameters or inputs themselves. */
function isEmptied(before: JsonObject, after: JsonObject, pointer: string): boolean {
  const [old, now] = [Object.keys(before).length, Object.keys(after).length];
  return (old === 0) !== (now === 0) && pointer.lastIndexOf('/') > 0;
}

/** What was asked, without the marks that a signature sets apart what would read alike: a normalized text, and an object that looks like such a mark. */
export function asAsked(value: JsonObject): JsonObject {
  return unmarked(value) as JsonObject;
}

function unmarked(value: JsonValue | undefined): JsonValue | undefined {
  if (Array.isArray(value)) return value.map((item) => unmarked(item) ?? null);
  if (!isJsonObject(value)) return value;
  if (typeof value.$text === 'string') return value.$text;
  if (isJsonObject(value.$plain)) return value.$plain;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, unmarked(inner)]));
}

/** True for what stands in a signature for the bytes of a file or of a long text. */
export function isFile(value: JsonValue | undefined): value is JsonObject & { readonly $artifact: string } {
  return isJsonObject(value) && typeof value.$artifact === 'string';
}

/** JSON with its keys in order: those of an entry come in the order of jsonb. */
export function sortedText(value: JsonValue | undefined): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return JSON.stringify(value, (_, inner: unknown) =>
    isJsonObject(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
}

const TASK_PLACE = /^\/(?:task|tasks\/\d+)(?=\/|$)/;

/** Leaves out what differs only because another component does: another task has another version, interface and program, and other steps have other tasks. */
function dropConsequences(
  pointers: readonly string[],
  { before, after }: { readonly before: JsonObject; readonly after: JsonObject },
): readonly string[] {
  return pointers.filter((pointer) => {
    const task = TASK_PLACE.exec(pointer)?.[0];
    if (task === undefined) return true;
    const isOther = findByPointer(before, `${task}/taskKey`) !== findByPointer(after, `${task}/taskKey`);
    return !isOther || (!pointers.includes('/spec') && (pointer === `${task}/taskKey` || pointer === task));
  });
}
