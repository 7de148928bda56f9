import { sqlMigration } from '../../postgres/sql-migration.ts';

/** Jobs accepted in each month in UTC, counted from the first limit of the month on: deleting jobs gives nothing back. */
export const jobUsage = sqlMigration([
  `CREATE TABLE job_usage (
  month DATE PRIMARY KEY,
  jobs  BIGINT NOT NULL
)`,
]);
