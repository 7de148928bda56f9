import type { ColumnType } from 'kysely';
import type { JsonObject } from '../../json.ts';

/** A jsonb object with a default. Written through `toJsonb` only. */
export type JsonbColumn<Value extends JsonObject = JsonObject> = ColumnType<Value, Value | undefined, Value>;
/** A jsonb object that may be null. */
export type NullableJsonbColumn<Value extends JsonObject = JsonObject> = ColumnType<
  Value | null,
  Value | null | undefined,
  Value | null
>;
