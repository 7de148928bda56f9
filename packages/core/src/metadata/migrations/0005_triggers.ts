import { SYSTEM_ORG_ID } from '../../ids.ts';
import { sqlMigration } from '../../postgres/sql-migration.ts';
import { refuse, type Trigger, triggerStatements } from './trigger-statements.ts';

const OWNED = [
  'task_definitions',
  'pipeline_templates',
  'pipelines',
  'roles',
  'memberships',
  'membership_roles',
  'molecules',
  'artifacts',
  'jobs_meta',
  'org_settings',
  'org_databases',
];

const ROWS: readonly Trigger[] = [
  {
    name: 'mad_set_updated_at',
    body: 'NEW.updated_at = now(); RETURN NEW;',
    on: ['task_definitions', 'pipeline_templates', 'org_databases', 'jobs_meta'].map(
      (table) => `BEFORE UPDATE ON ${table} FOR EACH ROW`,
    ),
  },
  {
    // What was checked against the organization when the row was written would no longer hold.
    name: 'mad_keep_organization',
    body: refuse('organization_frozen', 'a row never moves to another organization: insert a new one there'),
    on: OWNED.map((table) => `BEFORE UPDATE ON ${table} FOR EACH ROW WHEN (OLD.org_id IS DISTINCT FROM NEW.org_id)`),
  },
  {
    name: 'mad_keep_system_organization',
    body: refuse(
      'organizations_system_check',
      'the system organization owns what every organization uses and is never deleted',
    ),
    on: [`BEFORE DELETE ON organizations FOR EACH ROW WHEN (OLD.org_id = '${SYSTEM_ORG_ID}')`],
  },
];

const ACCESS: readonly Trigger[] = [
  {
    name: 'mad_role_of_organization',
    body: `IF NOT EXISTS (SELECT FROM roles WHERE role_id = NEW.role_id AND (org_id IS NULL OR org_id = NEW.org_id)) THEN
      ${refuse('membership_roles_role_of_organization', 'a member is granted roles of its own organization or global ones only')}
    END IF;
    RETURN NEW;`,
    on: ['BEFORE INSERT OR UPDATE ON membership_roles FOR EACH ROW'],
  },
  {
    // ON DELETE SET NULL would make the key of a deleted organization one that names no organization, and still valid.
    name: 'mad_revoke_unscoped_token',
    body: 'NEW.revoked = TRUE; RETURN NEW;',
    on: ['BEFORE UPDATE ON tokens FOR EACH ROW WHEN (OLD.org_id IS NOT NULL AND NEW.org_id IS NULL)'],
  },
  {
    name: 'mad_keep_token_revoked',
    body: refuse(
      'tokens_revoked_for_good',
      'a revoked token stays revoked and keeps its organization: issue a new one',
    ),
    on: [
      `BEFORE UPDATE ON tokens FOR EACH ROW
        WHEN ((OLD.revoked AND NOT NEW.revoked) OR (NEW.org_id IS NOT NULL AND OLD.org_id IS DISTINCT FROM NEW.org_id))`,
    ],
  },
  {
    name: 'mad_keep_identity',
    body: refuse(
      'identities_frozen',
      'an identity never passes to another user, provider or subject: delete it and link again',
    ),
    on: [
      `BEFORE UPDATE ON identities FOR EACH ROW WHEN
        ((OLD.user_id, OLD.provider_id, OLD.subject) IS DISTINCT FROM (NEW.user_id, NEW.provider_id, NEW.subject))`,
    ],
  },
];

const appendOnly = refuse('audit_logs_append_only', 'an audit log is only added to: no entry is changed or removed');

const AUDIT: readonly Trigger[] = [
  {
    // The foreign key blanks user_id when the user goes; who it was must stay.
    name: 'mad_copy_audit_actor',
    body: `NEW.metadata = NEW.metadata || jsonb_build_object('actor', jsonb_build_object(
      'user_id', NEW.user_id, 'email', (SELECT email FROM users WHERE user_id = NEW.user_id)));
    RETURN NEW;`,
    on: ['BEFORE INSERT ON audit_logs FOR EACH ROW WHEN (NEW.user_id IS NOT NULL)'],
  },
  {
    // Depth 1 is a statement of a caller; deeper is the foreign key of a deleted user or organization, which may blank its own column alone.
    name: 'mad_keep_audit_log',
    body: `IF TG_OP = 'UPDATE' AND pg_trigger_depth() > 1 THEN
      IF (NEW.org_id IS NULL OR NEW.org_id = OLD.org_id) AND (NEW.user_id IS NULL OR NEW.user_id = OLD.user_id)
        AND (to_jsonb(NEW) - 'org_id' - 'user_id') = (to_jsonb(OLD) - 'org_id' - 'user_id') THEN
        RETURN NEW;
      END IF;
    END IF;
    ${appendOnly}`,
    on: ['BEFORE UPDATE OR DELETE ON audit_logs FOR EACH ROW'],
  },
  { name: 'mad_keep_audit_logs', body: appendOnly, on: ['BEFORE TRUNCATE ON audit_logs FOR EACH STATEMENT'] },
];

const TASKS: readonly Trigger[] = [
  {
    name: 'mad_keep_interface',
    body: refuse(
      'task_definitions_frozen',
      'the interface of a task version never changes: insert a new version of the task',
    ),
    on: [
      `BEFORE UPDATE ON task_definitions FOR EACH ROW WHEN
        ((OLD.task_id, OLD.version, OLD.interface_spec) IS DISTINCT FROM (NEW.task_id, NEW.version, NEW.interface_spec)
        OR (OLD.interface_digest IS NOT NULL AND OLD.interface_digest IS DISTINCT FROM NEW.interface_digest))`,
    ],
  },
  {
    name: 'mad_step_task_usable',
    body: `IF NOT EXISTS (SELECT FROM pipeline_templates t JOIN task_definitions d ON d.org_id IN (t.org_id, '${SYSTEM_ORG_ID}')
      WHERE t.template_id = NEW.template_id AND d.task_definition_id = NEW.task_definition_id) THEN
      ${refuse('pipeline_task_steps_task_usable', 'a step uses tasks of its own organization or of the system only')}
    END IF;
    RETURN NEW;`,
    on: ['BEFORE INSERT OR UPDATE ON pipeline_task_steps FOR EACH ROW'],
  },
  {
    // After the statement: all steps of a template come in one insert, in any order, and go with their template in one cascade.
    name: 'mad_step_dependencies_known',
    body: `IF EXISTS (SELECT FROM pipeline_task_steps s CROSS JOIN jsonb_array_elements_text(s.depends_on) AS needed(step_id)
      WHERE s.template_id = coalesce(NEW.template_id, OLD.template_id) AND NOT EXISTS (
        SELECT FROM pipeline_task_steps p WHERE p.template_id = s.template_id AND p.step_id::text = needed.step_id AND p.step_id <> s.step_id)) THEN
      ${refuse('pipeline_task_steps_depends_on_known', 'depends_on names ids of other steps of the same template only')}
    END IF;
    RETURN NULL;`,
    on: ['AFTER INSERT OR UPDATE OR DELETE ON pipeline_task_steps FOR EACH ROW'],
  },
];

const frozen = refuse(
  'pipeline_versions_frozen',
  'a published pipeline version is never changed or deleted: set deprecated_at and publish a new one',
);

const PIPELINES: readonly Trigger[] = [
  {
    name: 'mad_keep_published_spec',
    body: frozen,
    on: [
      `BEFORE UPDATE ON pipeline_versions FOR EACH ROW WHEN (OLD.published AND
        (OLD.pipeline_version_id, OLD.pipeline_id, OLD.version, OLD.spec, OLD.published) IS DISTINCT FROM
        (NEW.pipeline_version_id, NEW.pipeline_id, NEW.version, NEW.spec, NEW.published))`,
    ],
  },
  {
    // A cascade from the pipeline finds it gone already and was asked there; only an organization that is being deleted takes them along.
    name: 'mad_keep_published_version',
    body: `IF EXISTS (SELECT FROM pipelines p JOIN organizations o USING (org_id)
      WHERE p.pipeline_id = OLD.pipeline_id AND o.status NOT IN ('deleting', 'deleted')) THEN
      ${frozen}
    END IF;
    RETURN OLD;`,
    on: ['BEFORE DELETE ON pipeline_versions FOR EACH ROW WHEN (OLD.published)'],
  },
  {
    name: 'mad_keep_published_pipeline',
    body: `IF EXISTS (SELECT FROM organizations WHERE org_id = OLD.org_id AND status NOT IN ('deleting', 'deleted'))
      AND EXISTS (SELECT FROM pipeline_versions WHERE pipeline_id = OLD.pipeline_id AND published) THEN
      ${frozen}
    END IF;
    RETURN OLD;`,
    on: ['BEFORE DELETE ON pipelines FOR EACH ROW'],
  },
];

const JOBS_META: readonly Trigger[] = [
  {
    name: 'mad_job_pipeline_visible',
    body: `IF NOT EXISTS (SELECT FROM pipelines WHERE pipeline_id = NEW.pipeline_id
      AND (org_id IN (NEW.org_id, '${SYSTEM_ORG_ID}') OR visibility = 'public')) THEN
      ${refuse('jobs_meta_pipeline_visible', 'a job runs a pipeline of its own organization, of the system or a public one')}
    END IF;
    RETURN NEW;`,
    on: ['BEFORE INSERT OR UPDATE OF pipeline_id ON jobs_meta FOR EACH ROW'],
  },
  {
    name: 'mad_job_moves_forward',
    body: `IF (NEW.fence, NEW.event_no) < (OLD.fence, OLD.event_no) THEN
      ${refuse('jobs_meta_forward_only', 'the mirror of a job never goes back to an older fence or event')}
    END IF;
    ${refuse('jobs_meta_status_forward', 'a job leaves a terminal status never, and RUNNING for PENDING only when its lease ran out')}`,
    on: [
      `BEFORE UPDATE ON jobs_meta FOR EACH ROW WHEN ((NEW.fence, NEW.event_no) < (OLD.fence, OLD.event_no)
        OR (OLD.status IS DISTINCT FROM NEW.status AND (OLD.status IN ('COMPLETED', 'FAILED', 'CANCELED')
        OR (OLD.status = 'RUNNING' AND NEW.status = 'PENDING' AND (NEW.fence, NEW.event_no) = (OLD.fence, OLD.event_no)))))`,
    ],
  },
];

/** Triggers for what no key or check can say; each refusal carries its constraint's name. */
export const triggers = sqlMigration(
  [...ROWS, ...ACCESS, ...AUDIT, ...TASKS, ...PIPELINES, ...JOBS_META].flatMap(triggerStatements),
);
