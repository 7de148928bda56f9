import { createHash } from 'node:crypto';
import { isJsonObject, type JsonObject, parsePointer } from '../json.ts';
import type { MissingSeed } from '../ports/task-runner.ts';

/** A whole number in the seed's range, the same for every attempt of one step instance: what is called again after a crash is the same call. */
export function drawSeed({ minimum, maximum }: MissingSeed, instance: string): number {
  const digest = createHash('sha256').update(instance).digest();
  const range = BigInt(maximum) - BigInt(minimum) + 1n;
  return Number(BigInt(minimum) + (digest.readBigUInt64BE(0) % range));
}

/** The request with the seed at its place; objects on the way are made where they are absent. */
export function withSeed(request: JsonObject, { pointer }: MissingSeed, seed: number): JsonObject {
  const copy = structuredClone(request) as Record<string, unknown>;
  const names = parsePointer(pointer);
  const last = names.pop();
  if (last === undefined) return request;
  let place = copy;
  for (const name of names) {
    const inner = Object.hasOwn(place, name) ? place[name] : undefined;
    const next = (isJsonObject(inner) ? inner : {}) as Record<string, unknown>;
    place[name] = next;
    place = next;
  }
  place[last] = seed;
  return copy as JsonObject;
}
