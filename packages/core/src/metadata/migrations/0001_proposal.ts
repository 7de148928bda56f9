import { createJobStatus } from '../../postgres/create-job-status.ts';
import { sqlMigration } from '../../postgres/sql-migration.ts';

const ENUMS = [
  'CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA public',
  "CREATE TYPE visibility AS ENUM ('private', 'org', 'public')",
  createJobStatus,
  "CREATE TYPE health_status AS ENUM ('healthy', 'unhealthy', 'starting', 'unknown')",
];

const IDENTITY_AND_ACCESS = [
  `CREATE TABLE organizations (
    org_id         UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    name           TEXT NOT NULL UNIQUE,
    status         TEXT NOT NULL DEFAULT 'active',
    quotas         JSONB NOT NULL DEFAULT '{}',
    created_at     TIMESTAMPTZ NOT NULL DEFAULT now()
  )`,
  `CREATE TABLE users (
    user_id        UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    email          CITEXT NOT NULL UNIQUE,
    hashed_password TEXT NOT NULL,
    enabled        BOOLEAN NOT NULL DEFAULT TRUE,
    created_at     TIMESTAMPTZ NOT NULL DEFAULT now()
  )`,
  `CREATE TABLE roles (
    role_id        UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    org_id         UUID REFERENCES organizations(org_id) ON DELETE CASCADE,
    name           TEXT NOT NULL,
    UNIQUE (org_id, name)
  )`,
  `CREATE TABLE role_permissions (
    role_id        UUID NOT NULL REFERENCES roles(role_id) ON DELETE CASCADE,
    permission     TEXT NOT NULL,
    PRIMARY KEY (role_id, permission)
  )`,
  `CREATE TABLE memberships (
    user_id        UUID NOT NULL REFERENCES users(user_id) ON DELETE CASCADE,
    org_id         UUID NOT NULL REFERENCES organizations(org_id) ON DELETE CASCADE,
    created_at     TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, org_id)
  )`,
  `CREATE TABLE membership_roles (
    user_id        UUID NOT NULL,
    org_id         UUID NOT NULL,
    role_id        UUID NOT NULL REFERENCES roles(role_id) ON DELETE CASCADE,
    PRIMARY KEY (user_id, org_id, role_id),
    FOREIGN KEY (user_id, org_id) REFERENCES memberships(user_id, org_id) ON DELETE CASCADE
  )`,
  `CREATE TABLE audit_logs (
    audit_id       UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    org_id         UUID NULL REFERENCES organizations(org_id) ON DELETE SET NULL,
    user_id        UUID NULL REFERENCES users(user_id) ON DELETE SET NULL,
    action         TEXT NOT NULL,
    entity_type    TEXT NOT NULL,
    entity_id      TEXT NULL,
    metadata       JSONB NOT NULL DEFAULT '{}',
    ts             TIMESTAMPTZ NOT NULL DEFAULT now()
  )`,
  'CREATE INDEX idx_audit_logs_org_ts ON audit_logs(org_id, ts DESC)',
  `CREATE TABLE identity_providers (
    provider_id   UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    name          TEXT NOT NULL,
    kind          TEXT NOT NULL,
    config        JSONB NOT NULL DEFAULT '{}'
  )`,
  `CREATE TABLE identities (
    identity_id   UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id       UUID NOT NULL REFERENCES users(user_id) ON DELETE CASCADE,
    provider_id   UUID NOT NULL REFERENCES identity_providers(provider_id) ON DELETE CASCADE,
    subject       TEXT NOT NULL,
    email         TEXT NULL,
    linked_at     TIMESTAMPTZ NOT NULL DEFAULT now(),
    UNIQUE (provider_id, subject)
  )`,
  `CREATE TABLE org_settings (
    org_id        UUID PRIMARY KEY REFERENCES organizations(org_id) ON DELETE CASCADE,
    storage_bucket TEXT NULL,
    storage_prefix TEXT NULL,
    logs_backend   TEXT NULL,
    config         JSONB NOT NULL DEFAULT '{}'
  )`,
];

const TASK_SYSTEM = [
  `CREATE TABLE task_definitions (
    task_definition_id  UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    org_id              UUID NOT NULL REFERENCES organizations(org_id),
    task_id             VARCHAR(100) NOT NULL,
    version             VARCHAR(20) NOT NULL DEFAULT '1.0.0',
    metadata            JSONB NOT NULL DEFAULT '{}',
    interface_spec      JSONB NOT NULL,
    service_config      JSONB NOT NULL DEFAULT '{}',
    is_active           BOOLEAN NOT NULL DEFAULT true,
    is_system           BOOLEAN NOT NULL DEFAULT false,
    created_by          UUID REFERENCES users(user_id),
    created_at          TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP,
    updated_at          TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP,
    UNIQUE(org_id, task_id, version)
  )`,
  `CREATE TABLE task_services (
    service_id          UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    task_definition_id  UUID NOT NULL REFERENCES task_definitions(task_definition_id),
    service_url         VARCHAR(500) NOT NULL,
    pod_name            VARCHAR(200),
    node_name           VARCHAR(200),
    health_status       health_status NOT NULL DEFAULT 'unknown',
    last_health_check   TIMESTAMPTZ,
    resources_used      JSONB DEFAULT '{}',
    started_at          TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP,
    UNIQUE(task_definition_id, service_url)
  )`,
  `CREATE TABLE pipeline_templates (
    template_id         UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    org_id              UUID NOT NULL REFERENCES organizations(org_id),
    name                VARCHAR(100) NOT NULL,
    display_name        VARCHAR(100) NOT NULL,
    description         TEXT,
    category            VARCHAR(50) NOT NULL,
    workflow_definition JSONB NOT NULL,
    default_parameters  JSONB DEFAULT '{}',
    is_public           BOOLEAN NOT NULL DEFAULT false,
    is_system           BOOLEAN NOT NULL DEFAULT false,
    version             VARCHAR(20) NOT NULL DEFAULT '1.0.0',
    created_by          UUID REFERENCES users(user_id),
    created_at          TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP,
    updated_at          TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP,
    UNIQUE(org_id, name, version)
  )`,
  `CREATE TABLE pipeline_task_steps (
    step_id             UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    template_id         UUID NOT NULL REFERENCES pipeline_templates(template_id) ON DELETE CASCADE,
    task_definition_id  UUID NOT NULL REFERENCES task_definitions(task_definition_id),
    step_name           VARCHAR(100) NOT NULL,
    step_order          INTEGER NOT NULL,
    depends_on          JSONB DEFAULT '[]',
    parameter_overrides JSONB DEFAULT '{}',
    created_at          TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP
  )`,
];

const CATALOG = [
  `CREATE TABLE pipelines (
    pipeline_id    UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    org_id         UUID NOT NULL REFERENCES organizations(org_id) ON DELETE CASCADE,
    name           TEXT NOT NULL,
    description    TEXT NOT NULL DEFAULT '',
    latest_version TEXT NULL,
    visibility     visibility NOT NULL DEFAULT 'org',
    created_by     UUID NULL REFERENCES users(user_id) ON DELETE SET NULL,
    created_at     TIMESTAMPTZ NOT NULL DEFAULT now(),
    UNIQUE (org_id, name)
  )`,
  `CREATE TABLE pipeline_versions (
    pipeline_version_id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    pipeline_id    UUID NOT NULL REFERENCES pipelines(pipeline_id) ON DELETE CASCADE,
    version        TEXT NOT NULL,
    spec           JSONB NOT NULL,
    published      BOOLEAN NOT NULL DEFAULT FALSE,
    created_by     UUID NULL REFERENCES users(user_id) ON DELETE SET NULL,
    created_at     TIMESTAMPTZ NOT NULL DEFAULT now(),
    UNIQUE (pipeline_id, version)
  )`,
];

const DATA = [
  `CREATE TABLE molecules (
    molecule_id    UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    org_id         UUID NOT NULL REFERENCES organizations(org_id) ON DELETE CASCADE,
    name           TEXT NOT NULL,
    format         TEXT NOT NULL,
    uri            TEXT NOT NULL,
    size_bytes     BIGINT NULL,
    checksum       TEXT NULL,
    created_by     UUID NULL REFERENCES users(user_id) ON DELETE SET NULL,
    created_at     TIMESTAMPTZ NOT NULL DEFAULT now()
  )`,
  'CREATE INDEX idx_molecules_org_name ON molecules(org_id, name)',
  `CREATE TABLE artifacts (
    artifact_id    UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    org_id         UUID NOT NULL REFERENCES organizations(org_id) ON DELETE CASCADE,
    purpose        TEXT NOT NULL,
    content_type   TEXT NULL,
    uri            TEXT NOT NULL,
    size_bytes     BIGINT NULL,
    checksum       TEXT NULL,
    created_by     UUID NULL REFERENCES users(user_id) ON DELETE SET NULL,
    created_at     TIMESTAMPTZ NOT NULL DEFAULT now()
  )`,
];

const JOBS = [
  `CREATE TABLE jobs_meta (
    job_id         UUID PRIMARY KEY,
    org_id         UUID NOT NULL REFERENCES organizations(org_id) ON DELETE CASCADE,
    pipeline_id    UUID NOT NULL REFERENCES pipelines(pipeline_id) ON DELETE RESTRICT,
    pipeline_version_id UUID NOT NULL REFERENCES pipeline_versions(pipeline_version_id) ON DELETE RESTRICT,
    submitted_by   UUID NULL REFERENCES users(user_id) ON DELETE SET NULL,
    status         job_status NOT NULL DEFAULT 'PENDING',
    priority       INT NOT NULL DEFAULT 0,
    created_at     TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at     TIMESTAMPTZ NOT NULL DEFAULT now()
  )`,
  'CREATE INDEX idx_jobs_meta_org_status_created ON jobs_meta(org_id, status, created_at DESC)',
  'CREATE INDEX idx_jobs_meta_org_created ON jobs_meta(org_id, created_at DESC)',
];

const TOKENS = [
  `CREATE TABLE tokens (
    token_id       UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id        UUID NOT NULL REFERENCES users(user_id) ON DELETE CASCADE,
    org_id         UUID NULL REFERENCES organizations(org_id) ON DELETE SET NULL,
    kind           TEXT NOT NULL,
    expires_at     TIMESTAMPTZ NOT NULL,
    revoked        BOOLEAN NOT NULL DEFAULT FALSE,
    created_at     TIMESTAMPTZ NOT NULL DEFAULT now()
  )`,
];

/** The 20 tables of the schema proposal under their own names and types, in an order in which every reference finds its table. */
export const proposal = sqlMigration([
  ...ENUMS,
  ...IDENTITY_AND_ACCESS,
  ...TASK_SYSTEM,
  ...CATALOG,
  ...DATA,
  ...JOBS,
  ...TOKENS,
]);
