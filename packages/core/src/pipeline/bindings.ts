import { findByPointer, type JsonObject, type JsonValue } from '../json.ts';
import type { PipelineStep } from './pipeline-spec.ts';
import { readsItem } from './pointer.ts';

/** What bindings read from while a job runs. One object a job: the executor adds each output when it is committed. */
export interface BindingScope extends JsonObject {
  /** Input key → artifact reference. */
  readonly inputs: JsonObject;
  readonly parameters: JsonObject;
  /** Step → `{ output }`, once there is one; of a step with forEach it is the list of its items' outputs, in their order. */
  readonly steps: JsonObject;
}

/** The value a binding points at, own properties only; undefined where nothing is. */
export function findBound(scope: BindingScope, { from }: { readonly from: string }): JsonValue | undefined {
  return findByPointer(scope, from);
}

/**
 * The request of a step: its own parameters and the bound inputs over them. An input that is absent at its source is absent in the request.
 * `item` is what `/item` means in one instance of a fan-out.
 */
export function bindRequest(
  scope: BindingScope,
  { inputs, parameters }: Pick<PipelineStep, 'inputs' | 'parameters'>,
  item?: JsonValue | undefined,
): JsonObject {
  const request: Record<string, JsonValue | undefined> = { ...parameters };
  for (const [property, { from }] of Object.entries(inputs)) {
    const value = readsItem(from) ? findByPointer(item, from.slice('/item'.length)) : findByPointer(scope, from);
    // Assigned, `__proto__` would change what the request inherits.
    if (value !== undefined) Object.defineProperty(request, property, { value, ...PLAIN });
  }
  return request;
}

const PLAIN = { enumerable: true, writable: true, configurable: true };
