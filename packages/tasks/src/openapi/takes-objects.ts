import type { JsonSchema, JsonValue } from '@mad/core';

/** True unless the schema is one of something else. */
export function takesObjects(schema: JsonSchema): boolean {
  if (typeof schema === 'boolean') return schema;
  const type: JsonValue | undefined = schema.type;
  return type === undefined || type === 'object' || (Array.isArray(type) && type.includes('object'));
}
