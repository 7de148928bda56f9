import type { ColumnType } from 'kysely';
import type { JsonObject } from '../../json.ts';

/** A NOT NULL timestamp with a default. */
export type TimestampColumn = ColumnType<Date, Date | string | undefined, Date | string>;

/** A timestamp that may be null. */
export type NullableTimestampColumn = ColumnType<Date | null, Date | string | null, Date | string | null>;

/** A NOT NULL JSON object with a default. */
export type JsonColumn = ColumnType<JsonObject, JsonObject | undefined, JsonObject>;

/** A NOT NULL JSON object without a default. */
export type RequiredJsonColumn = ColumnType<JsonObject, JsonObject, JsonObject>;

/** A JSON object that may be null. */
export type NullableJsonColumn = ColumnType<JsonObject | null, JsonObject | null, JsonObject | null>;

/** BIGINT as a driver gives it: `pg` as text, PGlite as a number. Rows that leave a repository hold a number. */
export type BigIntColumn = ColumnType<string | number, number | undefined, number>;
export type NullableBigIntColumn = ColumnType<string | number | null, number | null, number | null>;
