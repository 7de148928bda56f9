import { sqlMigration } from '../../postgres/sql-migration.ts';

const own = "org_id = nullif(current_setting('mad.org_id', true), '')::uuid";

/**
 * Slots of the machines, held by jobs. There is no key to `organizations`: a message that outlives its organization must not stop everybody's
 * admission. An organization reads what it runs; only an operator admits.
 */
export const admission = sqlMigration([
  `CREATE TABLE admitted_jobs (
  job_id         UUID PRIMARY KEY,
  org_id         UUID NOT NULL,
  resource_class TEXT NOT NULL,
  worker_id      UUID NOT NULL,
  message_id     UUID NOT NULL,
  attempt        INTEGER NOT NULL DEFAULT 0,
  admitted_at    TIMESTAMPTZ NOT NULL DEFAULT now(),
  expires_at     TIMESTAMPTZ NOT NULL
) WITH (fillfactor = 50)`,
  'ALTER TABLE admitted_jobs ENABLE ROW LEVEL SECURITY',
  'ALTER TABLE admitted_jobs FORCE ROW LEVEL SECURITY',
  `CREATE POLICY mad_organization_read ON admitted_jobs FOR SELECT TO mad_organization USING (current_user = 'mad_organization' AND ${own})`,
  `CREATE POLICY mad_operator_all ON admitted_jobs TO mad_operator USING (current_user = 'mad_operator') WITH CHECK (current_user = 'mad_operator')`,
  'GRANT SELECT ON admitted_jobs TO mad_organization',
  'GRANT SELECT, INSERT, UPDATE, DELETE ON admitted_jobs TO mad_operator',
]);
