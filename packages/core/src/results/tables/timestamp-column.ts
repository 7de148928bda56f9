import type { ColumnType } from 'kysely';

/** A timestamptz with a default. A `Date` holds milliseconds, the column microseconds: never build a cursor from the Date. */
export type TimestampColumn = ColumnType<Date, Date | undefined, Date>;
/** A timestamptz that may be null. */
export type NullableTimestampColumn = ColumnType<Date | null, Date | null | undefined, Date | null>;
