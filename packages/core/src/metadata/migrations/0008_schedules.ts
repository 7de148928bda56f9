import { sqlMigration } from '../../postgres/sql-migration.ts';

const own = "current_user = 'mad_organization' AND org_id = nullif(current_setting('mad.org_id', true), '')::uuid";
const isOperator = "current_user = 'mad_operator'";

/** Jobs that are submitted again and again. Whoever works off what is due reads the rows of all organizations, as an operator. */
export const schedules = sqlMigration([
  `CREATE TABLE job_schedules (
  schedule_id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  org_id      UUID NOT NULL REFERENCES organizations(org_id) ON DELETE CASCADE,
  name        TEXT NOT NULL,
  cron        TEXT NOT NULL,
  timezone    TEXT NOT NULL DEFAULT 'UTC',
  request     JSONB NOT NULL,
  enabled     BOOLEAN NOT NULL DEFAULT TRUE,
  catch_up    BOOLEAN NOT NULL DEFAULT TRUE,
  created_by  UUID NULL REFERENCES users(user_id) ON DELETE SET NULL,
  next_run_at TIMESTAMPTZ NULL,
  last_run_at TIMESTAMPTZ NULL,
  last_job_id UUID NULL,
  last_error  JSONB NULL,
  created_at  TIMESTAMPTZ NOT NULL DEFAULT now(),
  updated_at  TIMESTAMPTZ NOT NULL DEFAULT now()
)`,
  'CREATE UNIQUE INDEX job_schedules_name_key ON job_schedules(org_id, name)',
  'CREATE INDEX idx_job_schedules_due ON job_schedules(next_run_at, schedule_id) WHERE enabled',
  'CREATE INDEX idx_job_schedules_created_by ON job_schedules(created_by)',
  'CREATE TRIGGER mad_set_updated_at BEFORE UPDATE ON job_schedules FOR EACH ROW EXECUTE FUNCTION mad_set_updated_at()',
  `CREATE TRIGGER mad_keep_organization BEFORE UPDATE ON job_schedules FOR EACH ROW
  WHEN (OLD.org_id IS DISTINCT FROM NEW.org_id) EXECUTE FUNCTION mad_keep_organization()`,
  'ALTER TABLE job_schedules ENABLE ROW LEVEL SECURITY',
  'ALTER TABLE job_schedules FORCE ROW LEVEL SECURITY',
  `CREATE POLICY mad_organization_all ON job_schedules TO mad_organization USING (${own}) WITH CHECK (${own})`,
  `CREATE POLICY mad_operator_all ON job_schedules TO mad_operator USING (${isOperator}) WITH CHECK (${isOperator})`,
  'GRANT SELECT, INSERT, UPDATE, DELETE ON job_schedules TO mad_organization, mad_operator',
]);
