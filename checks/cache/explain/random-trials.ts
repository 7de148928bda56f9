import { isJsonObject, type JsonObject, type JsonValue } from '@mad/core';
import { createDraw, PAYLOAD } from './payload.ts';
import { BASE, type Trial } from './trials.ts';

/** A place of the payload, and whether it may be left out. */
interface Place {
  readonly tokens: readonly string[];
  readonly isOfObject: boolean;
}

/** Changes at drawn places of the parameters: another value, one left out, or one more. */
export function randomTrials(count: number): readonly Trial[] {
  const draw = createDraw(7);
  const places = listPlaces(PAYLOAD, []);
  const drawn = Array.from({ length: count }, (_, index) => {
    const { tokens, isOfObject } = places[Math.floor(draw() * places.length)] ?? { tokens: [], isOfObject: true };
    const kind = isOfObject ? (['set', 'remove', 'add'] as const)[Math.floor(draw() * 3)] : 'set';
    const above = tokens.slice(0, -1);
    const at = kind === 'add' ? [...above, 'added'] : tokens;
    const value = kind === 'remove' ? undefined : `changed ${index}`;
    const pointer = `/parameters/payload/${at.join('/')}`;
    return {
      name: `drawn ${index}: ${kind} ${pointer}`,
      change: { parameters: { ...BASE.parameters, payload: changed(PAYLOAD, at, value) } },
      ...{ step: pointer, job: pointer, words: /^parameters\.payload\./ },
    };
  });
  // The same place left out twice is the same job.
  return [...new Map(drawn.map((trial) => [JSON.stringify(trial.change), trial])).values()];
}

function listPlaces(value: JsonValue, tokens: readonly string[]): Place[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => placesAt(item, [...tokens, String(index)], false));
  if (isJsonObject(value))
    return Object.entries(value).flatMap(([key, item]) => placesAt(item ?? null, [...tokens, key], true));
  return [];
}

function placesAt(value: JsonValue, tokens: readonly string[], isOfObject: boolean): Place[] {
  const inner = listPlaces(value, tokens);
  return inner.length > 0 ? inner : [{ tokens, isOfObject }];
}

function changed(value: JsonValue, [token, ...rest]: readonly string[], wanted: JsonValue | undefined): JsonValue {
  if (token === undefined) return value;
  if (Array.isArray(value))
    return value.map((item, index) =>
      String(index) !== token ? item : rest.length > 0 ? changed(item, rest, wanted) : (wanted ?? null),
    );
  if (!isJsonObject(value)) return value;
  const { [token]: item, ...others } = value;
  const inner = rest.length > 0 ? changed(item ?? null, rest, wanted) : wanted;
  return inner === undefined ? others : ({ ...others, [token]: inner } satisfies JsonObject);
}
