import { findByPointer, type JsonObject, type JsonValue } from '../json.ts';
import type { PipelineStep } from './pipeline-spec.ts';

/** What bindings read from while a job runs. */
export interface BindingScope extends JsonObject {
  /** Input key → artifact reference. */
  readonly inputs: JsonObject;
  readonly parameters: JsonObject;
  /** Step instance → `{ output }`. */
  readonly steps: JsonObject;
}

/** The value a binding points at; undefined where nothing is. */
export function findBound(scope: BindingScope, { from }: { readonly from: string }): JsonValue | undefined {
  return findByPointer(scope, from);
}

/** The request of a step: its own parameters and the bound inputs over them. An input that is absent at its source is absent in the request. */
export function bindRequest(
  scope: BindingScope,
  { inputs, parameters }: Pick<PipelineStep, 'inputs' | 'parameters'>,
): JsonObject {
  const request: Record<string, JsonValue | undefined> = { ...parameters };
  for (const [property, binding] of Object.entries(inputs)) {
    const value = findBound(scope, binding);
    if (value !== undefined) request[property] = value;
  }
  return request;
}
