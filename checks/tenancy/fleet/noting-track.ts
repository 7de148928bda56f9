import { trackWith } from './fleet-platform.ts';

export const NOTED = '9001_noted';

/** The last migration takes a moment, in which it can be killed, and could be run again: only its note in a table without a key tells. */
export const NOTING_TRACK = trackWith(NOTED, [
  'alter table jobs add column if not exists noted text',
  `insert into migrations_run values ('${NOTED}')`,
  'select pg_sleep(0.1)',
]);
