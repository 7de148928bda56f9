import { isJsonObject, type JsonObject, type JsonSchema } from '@mad/core';
import { readLayers, type Said } from './schema-layers.ts';

/** What holds under conditions: `then`, `else` and `dependentSchemas`, one inside the other. */
export function conditionalLayers(root: JsonSchema, layers: readonly Said<JsonObject>[]): readonly Said<JsonObject>[] {
  const found: Said<JsonObject>[] = [];
  for (let next = conditionsOf(layers); next.length > 0; ) {
    const inner = readLayers(root, next);
    found.push(...inner.layers);
    next = inner.repeats ? [] : conditionsOf(inner.layers);
  }
  return found;
}

function conditionsOf(layers: readonly Said<JsonObject>[]): readonly Said[] {
  return layers.flatMap(({ schema: { if: condition, then, else: otherwise, dependentSchemas }, refs }) => {
    const branches = condition === undefined ? [] : [then, otherwise];
    const dependent = isJsonObject(dependentSchemas) ? Object.values(dependentSchemas) : [];
    return [...branches, ...dependent].flatMap((schema) => (schema === undefined ? [] : [{ schema, refs }]));
  });
}
