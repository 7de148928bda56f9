import { isJsonObject, type JsonObject } from '@mad/core';
import type { ServiceClient } from '@mad/tasks';
import { sample } from 'openapi-sampler';

/** A request that an operation takes, from its schema's examples, defaults and limits. */
export function sampleRequest({ requestSchema }: ReturnType<ServiceClient['interfaceOf']>): JsonObject {
  const value: unknown = sample(requestSchema as object, { skipReadOnly: true }, requestSchema as object);
  return isJsonObject(value) ? value : {};
}
