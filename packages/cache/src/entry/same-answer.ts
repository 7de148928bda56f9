import { isDeepStrictEqual } from 'node:util';
import { parsePointer } from '@mad/core';

/**
 * True when two answers are equal but for what stands at the pointers: there each may hold what it likes, or nothing. Objects in any order of their keys,
 * numbers by their value.
 */
export function isSameAnswer(a: string, b: string, ignoredPointers: readonly string[]): boolean {
  const [one, other] = [a, b].map((text) => without(JSON.parse(text), ignoredPointers));
  return isDeepStrictEqual(one, other);
}

function without(answer: unknown, pointers: readonly string[]): unknown {
  for (const pointer of pointers) {
    const path = parsePointer(pointer);
    const last = path.pop();
    if (last === undefined) return undefined;
    let place: unknown = answer;
    for (const name of path) place = inside(place, name);
    if (isContainer(place) && Object.hasOwn(place, last)) place[last] = null;
    else if (isContainer(place) && !Array.isArray(place)) place[last] = null;
  }
  return answer;
}

function inside(place: unknown, name: string): unknown {
  return isContainer(place) && Object.hasOwn(place, name) ? place[name] : undefined;
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
