/** The schema proposal's Metadata DB as PostgreSQL describes it. */
export const PROPOSAL_ENUMS: Readonly<Record<string, readonly string[]>> = {
  visibility: ['private', 'org', 'public'],
  job_status: ['PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELED'],
  health_status: ['healthy', 'unhealthy', 'starting', 'unknown'],
};

interface ProposalTable {
  /** Name, type, not null, default. */
  readonly columns: readonly string[];
  readonly keys: readonly string[];
  readonly indexes?: readonly string[];
}

// The two `version` columns that the proposal limits to 20 characters are listed as they are widened.
export const PROPOSAL_TABLES: Readonly<Record<string, ProposalTable>> = {
  organizations: {
    columns: [
      'org_id uuid not null default gen_random_uuid()',
      'name text not null',
      "status text not null default 'active'::text",
      "quotas jsonb not null default '{}'::jsonb",
      'created_at timestamp with time zone not null default now()',
    ],
    keys: ['UNIQUE (name)', 'PRIMARY KEY (org_id)'],
  },
  users: {
    columns: [
      'user_id uuid not null default gen_random_uuid()',
      'email citext not null',
      'hashed_password text not null',
      'enabled boolean not null default true',
      'created_at timestamp with time zone not null default now()',
    ],
    keys: ['UNIQUE (email)', 'PRIMARY KEY (user_id)'],
  },
  roles: {
    columns: ['role_id uuid not null default gen_random_uuid()', 'org_id uuid', 'name text not null'],
    keys: [
      'UNIQUE (org_id, name)',
      'PRIMARY KEY (role_id)',
      'FOREIGN KEY (org_id) REFERENCES organizations(org_id) ON DELETE CASCADE',
    ],
  },
  role_permissions: {
    columns: ['role_id uuid not null', 'permission text not null'],
    keys: ['PRIMARY KEY (role_id, permission)', 'FOREIGN KEY (role_id) REFERENCES roles(role_id) ON DELETE CASCADE'],
  },
  memberships: {
    columns: [
      'user_id uuid not null',
      'org_id uuid not null',
      'created_at timestamp with time zone not null default now()',
    ],
    keys: [
      'PRIMARY KEY (user_id, org_id)',
      'FOREIGN KEY (org_id) REFERENCES organizations(org_id) ON DELETE CASCADE',
      'FOREIGN KEY (user_id) REFERENCES users(user_id) ON DELETE CASCADE',
    ],
  },
  membership_roles: {
    columns: ['user_id uuid not null', 'org_id uuid not null', 'role_id uuid not null'],
    keys: [
      'PRIMARY KEY (user_id, org_id, role_id)',
      'FOREIGN KEY (role_id) REFERENCES roles(role_id) ON DELETE CASCADE',
      'FOREIGN KEY (user_id, org_id) REFERENCES memberships(user_id, org_id) ON DELETE CASCADE',
    ],
  },
  audit_logs: {
    columns: [
      'audit_id uuid not null default gen_random_uuid()',
      'org_id uuid',
      'user_id uuid',
      'action text not null',
      'entity_type text not null',
      'entity_id text',
      "metadata jsonb not null default '{}'::jsonb",
      'ts timestamp with time zone not null default now()',
    ],
    keys: [
      'PRIMARY KEY (audit_id)',
      'FOREIGN KEY (org_id) REFERENCES organizations(org_id) ON DELETE SET NULL',
      'FOREIGN KEY (user_id) REFERENCES users(user_id) ON DELETE SET NULL',
    ],
    indexes: ['CREATE INDEX idx_audit_logs_org_ts ON audit_logs USING btree (org_id, ts DESC)'],
  },
  identity_providers: {
    columns: [
      'provider_id uuid not null default gen_random_uuid()',
      'name text not null',
      'kind text not null',
      "config jsonb not null default '{}'::jsonb",
    ],
    keys: ['PRIMARY KEY (provider_id)'],
  },
  identities: {
    columns: [
      'identity_id uuid not null default gen_random_uuid()',
      'user_id uuid not null',
      'provider_id uuid not null',
      'subject text not null',
      'email text',
      'linked_at timestamp with time zone not null default now()',
    ],
    keys: [
      'UNIQUE (provider_id, subject)',
      'PRIMARY KEY (identity_id)',
      'FOREIGN KEY (provider_id) REFERENCES identity_providers(provider_id) ON DELETE CASCADE',
      'FOREIGN KEY (user_id) REFERENCES users(user_id) ON DELETE CASCADE',
    ],
  },
  org_settings: {
    columns: [
      'org_id uuid not null',
      'storage_bucket text',
      'storage_prefix text',
      'logs_backend text',
      "config jsonb not null default '{}'::jsonb",
    ],
    keys: ['PRIMARY KEY (org_id)', 'FOREIGN KEY (org_id) REFERENCES organizations(org_id) ON DELETE CASCADE'],
  },
  task_definitions: {
    columns: [
      'task_definition_id uuid not null default gen_random_uuid()',
      'org_id uuid not null',
      'task_id character varying(100) not null',
      "version text not null default '1.0.0'::character varying",
      "metadata jsonb not null default '{}'::jsonb",
      'interface_spec jsonb not null',
      "service_config jsonb not null default '{}'::jsonb",
      'is_active boolean not null default true',
      'is_system boolean not null default false',
      'created_by uuid',
      'created_at timestamp with time zone default CURRENT_TIMESTAMP',
      'updated_at timestamp with time zone default CURRENT_TIMESTAMP',
    ],
    keys: [
      'UNIQUE (org_id, task_id, version)',
      'PRIMARY KEY (task_definition_id)',
      'FOREIGN KEY (created_by) REFERENCES users(user_id)',
      'FOREIGN KEY (org_id) REFERENCES organizations(org_id)',
    ],
  },
  task_services: {
    columns: [
      'service_id uuid not null default gen_random_uuid()',
      'task_definition_id uuid not null',
      'service_url character varying(500) not null',
      'pod_name character varying(200)',
      'node_name character varying(200)',
      "health_status health_status not null default 'unknown'::health_status",
      'last_health_check timestamp with time zone',
      "resources_used jsonb default '{}'::jsonb",
      'started_at timestamp with time zone default CURRENT_TIMESTAMP',
    ],
    keys: [
      'UNIQUE (task_definition_id, service_url)',
      'PRIMARY KEY (service_id)',
      'FOREIGN KEY (task_definition_id) REFERENCES task_definitions(task_definition_id)',
    ],
  },
  pipeline_templates: {
    columns: [
      'template_id uuid not null default gen_random_uuid()',
      'org_id uuid not null',
      'name character varying(100) not null',
      'display_name character varying(100) not null',
      'description text',
      'category character varying(50) not null',
      'workflow_definition jsonb not null',
      "default_parameters jsonb default '{}'::jsonb",
      'is_public boolean not null default false',
      'is_system boolean not null default false',
      "version text not null default '1.0.0'::character varying",
      'created_by uuid',
      'created_at timestamp with time zone default CURRENT_TIMESTAMP',
      'updated_at timestamp with time zone default CURRENT_TIMESTAMP',
    ],
    keys: [
      'UNIQUE (org_id, name, version)',
      'PRIMARY KEY (template_id)',
      'FOREIGN KEY (created_by) REFERENCES users(user_id)',
      'FOREIGN KEY (org_id) REFERENCES organizations(org_id)',
    ],
  },
  pipeline_task_steps: {
    columns: [
      'step_id uuid not null default gen_random_uuid()',
      'template_id uuid not null',
      'task_definition_id uuid not null',
      'step_name character varying(100) not null',
      'step_order integer not null',
      "depends_on jsonb default '[]'::jsonb",
      "parameter_overrides jsonb default '{}'::jsonb",
      'created_at timestamp with time zone default CURRENT_TIMESTAMP',
    ],
    keys: [
      'PRIMARY KEY (step_id)',
      'FOREIGN KEY (task_definition_id) REFERENCES task_definitions(task_definition_id)',
      'FOREIGN KEY (template_id) REFERENCES pipeline_templates(template_id) ON DELETE CASCADE',
    ],
  },
  pipelines: {
    columns: [
      'pipeline_id uuid not null default gen_random_uuid()',
      'org_id uuid not null',
      'name text not null',
      "description text not null default ''::text",
      'latest_version text',
      "visibility visibility not null default 'org'::visibility",
      'created_by uuid',
      'created_at timestamp with time zone not null default now()',
    ],
    keys: [
      'UNIQUE (org_id, name)',
      'PRIMARY KEY (pipeline_id)',
      'FOREIGN KEY (created_by) REFERENCES users(user_id) ON DELETE SET NULL',
      'FOREIGN KEY (org_id) REFERENCES organizations(org_id) ON DELETE CASCADE',
    ],
  },
  pipeline_versions: {
    columns: [
      'pipeline_version_id uuid not null default gen_random_uuid()',
      'pipeline_id uuid not null',
      'version text not null',
      'spec jsonb not null',
      'published boolean not null default false',
      'created_by uuid',
      'created_at timestamp with time zone not null default now()',
    ],
    keys: [
      'UNIQUE (pipeline_id, version)',
      'PRIMARY KEY (pipeline_version_id)',
      'FOREIGN KEY (created_by) REFERENCES users(user_id) ON DELETE SET NULL',
      'FOREIGN KEY (pipeline_id) REFERENCES pipelines(pipeline_id) ON DELETE CASCADE',
    ],
  },
  molecules: {
    columns: [
      'molecule_id uuid not null default gen_random_uuid()',
      'org_id uuid not null',
      'name text not null',
      'format text not null',
      'uri text not null',
      'size_bytes bigint',
      'checksum text',
      'created_by uuid',
      'created_at timestamp with time zone not null default now()',
    ],
    keys: [
      'PRIMARY KEY (molecule_id)',
      'FOREIGN KEY (created_by) REFERENCES users(user_id) ON DELETE SET NULL',
      'FOREIGN KEY (org_id) REFERENCES organizations(org_id) ON DELETE CASCADE',
    ],
    indexes: ['CREATE INDEX idx_molecules_org_name ON molecules USING btree (org_id, name)'],
  },
  artifacts: {
    columns: [
      'artifact_id uuid not null default gen_random_uuid()',
      'org_id uuid not null',
      'purpose text not null',
      'content_type text',
      'uri text not null',
      'size_bytes bigint',
      'checksum text',
      'created_by uuid',
      'created_at timestamp with time zone not null default now()',
    ],
    keys: [
      'PRIMARY KEY (artifact_id)',
      'FOREIGN KEY (created_by) REFERENCES users(user_id) ON DELETE SET NULL',
      'FOREIGN KEY (org_id) REFERENCES organizations(org_id) ON DELETE CASCADE',
    ],
  },
  jobs_meta: {
    columns: [
      'job_id uuid not null',
      'org_id uuid not null',
      'pipeline_id uuid not null',
      'pipeline_version_id uuid not null',
      'submitted_by uuid',
      "status job_status not null default 'PENDING'::job_status",
      'priority integer not null default 0',
      'created_at timestamp with time zone not null default now()',
      'updated_at timestamp with time zone not null default now()',
    ],
    keys: [
      'PRIMARY KEY (job_id)',
      'FOREIGN KEY (org_id) REFERENCES organizations(org_id) ON DELETE CASCADE',
      'FOREIGN KEY (pipeline_id) REFERENCES pipelines(pipeline_id) ON DELETE RESTRICT',
      'FOREIGN KEY (pipeline_version_id) REFERENCES pipeline_versions(pipeline_version_id) ON DELETE RESTRICT',
      'FOREIGN KEY (submitted_by) REFERENCES users(user_id) ON DELETE SET NULL',
    ],
    indexes: [
      'CREATE INDEX idx_jobs_meta_org_created ON jobs_meta USING btree (org_id, created_at DESC)',
      'CREATE INDEX idx_jobs_meta_org_status_created ON jobs_meta USING btree (org_id, status, created_at DESC)',
    ],
  },
  tokens: {
    columns: [
      'token_id uuid not null default gen_random_uuid()',
      'user_id uuid not null',
      'org_id uuid',
      'kind text not null',
      'expires_at timestamp with time zone not null',
      'revoked boolean not null default false',
      'created_at timestamp with time zone not null default now()',
    ],
    keys: [
      'PRIMARY KEY (token_id)',
      'FOREIGN KEY (org_id) REFERENCES organizations(org_id) ON DELETE SET NULL',
      'FOREIGN KEY (user_id) REFERENCES users(user_id) ON DELETE CASCADE',
    ],
  },
};
