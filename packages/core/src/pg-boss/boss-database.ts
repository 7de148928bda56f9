import type { Kysely } from 'kysely';
import type { Db } from 'pg-boss';

/** Whatever pg-boss runs its statements on. */
export type BossDatabase = Db;

/** A connection of Kysely's, whatever its tables are. */
export type AnyKysely = Pick<Kysely<unknown>, 'getExecutor' | 'executeQuery'>;
