import type { ColumnType } from 'kysely';
import type { JsonObject } from '../json.ts';

/** A timestamptz with a default. A `Date` holds milliseconds, the column microseconds: never build a cursor from the Date. */
export type TimestampColumn = ColumnType<Date, Date | string | undefined, Date | string>;
/** A timestamptz that may be null. */
export type NullableTimestampColumn = ColumnType<Date | null, Date | string | null | undefined, Date | string | null>;

/** A jsonb object with a default. */
export type JsonbColumn<Value extends JsonObject = JsonObject> = ColumnType<Value, Value | undefined, Value>;
/** A jsonb object without a default. */
export type RequiredJsonbColumn = ColumnType<JsonObject, JsonObject, JsonObject>;
/** A jsonb object that may be null. */
export type NullableJsonbColumn<Value extends JsonObject = JsonObject> = ColumnType<
  Value | null,
  Value | null | undefined,
  Value | null
>;
