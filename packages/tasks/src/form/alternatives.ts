import { isJsonObject, type JsonObject, type JsonValue } from '@mad/core';
import { listOf, type Said } from './schema-layers.ts';

/** A choice that the schemas of one place leave. */
export interface Alternatives {
  readonly alternatives: readonly Said[];
  /** What holds beside each of them. */
  readonly beside: readonly Said<JsonObject>[];
}

/** The first choice that the layers leave; undefined where none says more than which properties must be given. */
export function alternativesOf(layers: readonly Said<JsonObject>[]): Alternatives | undefined {
  for (const [index, { schema, refs }] of layers.entries()) {
    for (const key of ['oneOf', 'anyOf']) {
      const alternatives = listOf(schema[key]);
      if (alternatives.length < 2 || alternatives.every(isRuleOnly)) continue;
      const { [key]: _, ...rest } = schema;
      const beside = layers.with(index, { schema: rest, refs });
      return { alternatives: alternatives.map((alternative) => ({ schema: alternative, refs })), beside };
    }
  }
  return undefined;
}

const RULES = new Set(['required', 'not', 'dependentRequired', 'title', 'description']);

const isRuleOnly = (schema: JsonValue): boolean =>
  !isJsonObject(schema) || Object.keys(schema).every((key) => RULES.has(key));

/** Each type as an alternative of its own. */
export function splitTypes(layers: readonly Said<JsonObject>[], types: readonly string[]): Alternatives {
  const alternatives = types.map((type) => ({ schema: { type, title: TYPE_TITLES.get(type) ?? type }, refs: NO_REFS }));
  return { alternatives, beside: layers };
}

const NO_REFS: ReadonlySet<string> = new Set();

export const TYPE_TITLES: ReadonlyMap<string, string> = new Map([
  ['string', 'Text'],
  ['integer', 'Whole number'],
  ['number', 'Number'],
  ['boolean', 'Yes or no'],
  ['array', 'List'],
  ['object', 'Object'],
]);
