import { sqlMigration } from '../../postgres/sql-migration.ts';

/** Jobs accepted in each month in UTC, counted where the organization has limits: deleting jobs gives nothing back. */
export const jobUsage = sqlMigration([
  `CREATE TABLE job_usage (
  month DATE PRIMARY KEY,
  jobs  BIGINT NOT NULL
)`,
]);
