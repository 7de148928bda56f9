import { SYSTEM_ORG_ID } from '../../ids.ts';
import { sqlMigration } from '../../postgres/sql-migration.ts';

// varchar → text changes no bytes: the table is not rewritten and its indexes stay. A semver with build metadata needs more than 20.
const VERSIONS = [
  'ALTER TABLE task_definitions ALTER COLUMN version TYPE TEXT',
  'ALTER TABLE pipeline_templates ALTER COLUMN version TYPE TEXT',
  'ALTER TABLE pipeline_versions ADD COLUMN deprecated_at TIMESTAMPTZ NULL',
];

const TASK_IDENTITY = [
  `ALTER TABLE task_definitions
    ADD COLUMN interface_digest TEXT NULL,
    ADD COLUMN determinism TEXT NULL CONSTRAINT task_definitions_determinism_check
      CHECK (determinism IN ('exact', 'seeded', 'stochastic', 'external')),
    ADD COLUMN image_digest TEXT NULL,
    ADD COLUMN producer TEXT NULL`,
];

const JOBS_META = [
  `ALTER TABLE jobs_meta
    ADD COLUMN fence BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN event_no BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN idempotency_key TEXT NULL,
    ADD COLUMN deadline TIMESTAMPTZ NULL,
    ADD COLUMN screening_id UUID NULL,
    ADD COLUMN item_key TEXT NULL,
    ADD COLUMN error_code TEXT NULL,
    ADD COLUMN canonical_job_id UUID NULL`,
];

const ACCESS = [
  `ALTER TABLE tokens
    ADD COLUMN secret_hash TEXT NULL CONSTRAINT tokens_secret_hash_check CHECK (secret_hash ~ '^[0-9a-f]{64}$'),
    ADD COLUMN name TEXT NULL,
    ADD COLUMN scopes TEXT[] NOT NULL DEFAULT '{}',
    ADD COLUMN last_used_at TIMESTAMPTZ NULL`,
  'ALTER TABLE identities ADD COLUMN email_verified BOOLEAN NOT NULL DEFAULT FALSE',
];

// PostgreSQL cuts longer names at 63 bytes without a word, and two organizations would share one database.
const ORG_DATABASES = [
  `CREATE TABLE org_databases (
    org_id         UUID PRIMARY KEY REFERENCES organizations(org_id) ON DELETE CASCADE,
    placement      TEXT NOT NULL CONSTRAINT org_databases_placement_check CHECK (placement IN ('database', 'schema')),
    cluster        TEXT NOT NULL,
    database_name  TEXT NULL CONSTRAINT org_databases_database_name_check CHECK (octet_length(database_name) BETWEEN 1 AND 63),
    schema_name    TEXT NOT NULL DEFAULT 'public' CONSTRAINT org_databases_schema_name_check CHECK (octet_length(schema_name) BETWEEN 1 AND 63),
    state          TEXT NOT NULL DEFAULT 'provisioning' CONSTRAINT org_databases_state_check
      CHECK (state IN ('provisioning', 'ready', 'migrating', 'failed', 'deleting', 'deleted')),
    schema_version TEXT NULL,
    error          JSONB NULL,
    updated_at     TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT org_databases_named_check CHECK (placement = 'schema' OR database_name IS NOT NULL)
  )`,
  "CREATE UNIQUE INDEX org_databases_place_key ON org_databases(cluster, coalesce(database_name, ''), schema_name)",
];

const SYSTEM_ORGANIZATION = [
  `INSERT INTO organizations (org_id, name, status) VALUES ('${SYSTEM_ORG_ID}', '(system)', 'system') ON CONFLICT (org_id) DO NOTHING`,
];

/** Columns, the directory of Results DBs and the reserved organization that the proposal lacks. */
export const columns = sqlMigration([
  ...VERSIONS,
  ...TASK_IDENTITY,
  ...JOBS_META,
  ...ACCESS,
  ...ORG_DATABASES,
  ...SYSTEM_ORGANIZATION,
]);
