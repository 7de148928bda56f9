import { isJsonObject, type JsonObject } from '@mad/core';

/** A service configuration whose `environment` names what there is, each with null for its value: those may be secrets. */
export function withoutEnvironment(serviceConfig: JsonObject): JsonObject {
  const { environment, ...others } = serviceConfig;
  if (environment === undefined) return others;
  const names = isJsonObject(environment) ? Object.keys(environment) : [];
  return { ...others, environment: Object.fromEntries(names.map((name) => [name, null])) };
}
