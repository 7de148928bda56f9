import type { JsonObject } from '../json.ts';

/** A JSON Schema of dialect 2020-12, as plain JSON. */
export type JsonSchema = JsonObject | boolean;
