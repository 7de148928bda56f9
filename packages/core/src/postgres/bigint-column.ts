import type { ColumnType } from 'kysely';

/** What a bigint arrives as: text from `pg`, a number from PGlite, which gives a BigInt past 2^53. */
export type BigintValue = string | number | bigint;

/** A bigint column with a default. */
export type BigintColumn = ColumnType<BigintValue, number | undefined, number>;
/** A bigint column that may be null. */
export type NullableBigintColumn = ColumnType<BigintValue | null, number | null | undefined, number | null>;

/** A selected row with its bigint columns as JavaScript numbers, exact up to 2^53. */
export type WithNumbers<Row> = {
  [Column in keyof Row]: [BigintValue] extends [Row[Column]] ? number | Exclude<Row[Column], BigintValue> : Row[Column];
};

type BigintKey<Row> = { [Column in keyof Row]: [BigintValue] extends [Row[Column]] ? Column : never }[keyof Row];

/** Turns the named bigint columns to numbers, null staying null. Every repository does this before a row leaves it. */
export function withNumbers<Row extends object>(row: Row, columns: readonly BigintKey<Row>[]): WithNumbers<Row> {
  const numbers = columns.map((column) => [column, row[column] === null ? null : Number(row[column])]);
  return { ...row, ...Object.fromEntries(numbers) };
}
