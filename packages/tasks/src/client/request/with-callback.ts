import type { JsonObject } from '@mad/core';
import type { OperationInterface } from '../../openapi/operation-interface.ts';

/** The request with `url` wherever the operation is told whom to call back, and the caller says nothing. */
export function withCallback(
  { operation, isBodyOnly, checkRequest }: OperationInterface,
  { request, url }: { readonly request: JsonObject; readonly url: string },
): JsonObject {
  let filled = request;
  for (const expression of operation.callbacks) {
    const [, name, field] = /^\{\$request\.(?:query\.([^{}]+)|body#\/([^{}/~]+))\}$/.exec(expression) ?? [];
    const parameter = operation.parameters.find((one) => one.in === 'query' && one.name === name);
    if (parameter && !Object.hasOwn(filled, parameter.key)) filled = { ...filled, [parameter.key]: url };
    if (field !== undefined && isBodyOnly && !Object.hasOwn(filled, field)) filled = { ...filled, [field]: url };
  }
  // A service that takes no such address is asked as if there were none.
  return filled === request || checkRequest(filled).length > 0 ? request : filled;
}
