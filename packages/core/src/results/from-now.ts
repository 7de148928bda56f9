import { type RawBuilder, sql } from 'kysely';

/** So many milliseconds from now by the database's clock: a lease never depends on the clocks of two machines. */
export function fromNow(ms: number): RawBuilder<Date> {
  return sql<Date>`now() + make_interval(secs => cast(${ms} as double precision) / 1000)`;
}
