import type { Kysely } from 'kysely';
import { type MigrateOptions, type MigrationTrack, migrate } from '../postgres/migrate.ts';
import { proposal } from './migrations/0001_proposal.ts';
import { columns } from './migrations/0002_columns.ts';
import { indexes } from './migrations/0003_indexes.ts';
import { keys } from './migrations/0004_keys.ts';
import { triggers } from './migrations/0005_triggers.ts';
import { rowLevelSecurity } from './migrations/0006_row_level_security.ts';
import { admission } from './migrations/0007_admission.ts';
import { schedules } from './migrations/0008_schedules.ts';
import { templateSteps } from './migrations/0009_template_steps.ts';
import { auditChain } from './migrations/0010_audit_chain.ts';
import { access } from './migrations/0011_access.ts';
import { fleet } from './migrations/0012_fleet.ts';
import { provisioning } from './migrations/0013_provisioning.ts';
import { organizationLife } from './migrations/0014_organization_life.ts';

/** The migrations of the Metadata DB: the schema proposal first, then what it lacks. */
export const metadataTrack: MigrationTrack = {
  name: 'metadata',
  migrations: {
    '0001_proposal': proposal,
    '0002_columns': columns,
    '0003_indexes': indexes,
    '0004_keys': keys,
    '0005_triggers': triggers,
    '0006_row_level_security': rowLevelSecurity,
    '0007_admission': admission,
    '0008_schedules': schedules,
    '0009_template_steps': templateSteps,
    '0010_audit_chain': auditChain,
    '0011_access': access,
    '0012_fleet': fleet,
    '0013_provisioning': provisioning,
    '0014_organization_life': organizationLife,
  },
};

/**
 * Brings the Metadata DB to its newest version; safe to call twice and at once. Needs the database's owner with CREATEROLE, or a superuser:
 * the roles `mad_organization` and `mad_operator` are made unless they are there. Returns the names of the migrations it applied.
 * @throws {MigrationFailedError} naming the migration; nothing of the run stays.
 */
export function migrateMetadata<Tables>(
  db: Kysely<Tables>,
  options: Omit<MigrateOptions, 'track'> = {},
): Promise<readonly string[]> {
  return migrate(db, { ...options, track: metadataTrack });
}
