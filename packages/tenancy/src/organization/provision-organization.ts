import {
  inAllOrganizations,
  inOrganization,
  isMadError,
  type JsonObject,
  type Logger,
  type MetadataDatabase,
  type OrgId,
  type Placement,
  resultsTrack,
  silentLogger,
  ValidationFailedError,
} from '@mad/core';
import { z } from 'zod';
import { PlacementUnsupportedError, ProvisioningFailedError } from '../errors.ts';
import { type Clusters, getCluster } from '../results-database/cluster.ts';
import { ensureDatabase, migratePlace } from '../results-database/ensure-results-database.ts';
import type { ResultsDatabasePlace } from '../results-database/results-database-place.ts';
import { parseOrganizationName } from './organization-name.ts';
import { recordOrganization } from './record-organization.ts';
import { seedAdmin, seedRoles } from './seed-access.ts';

/** What provisioning does after the organization is recorded, in this order; for an active organization, only `admin`. */
export type ProvisioningStep = 'database' | 'migrate' | 'settings' | 'roles' | 'admin' | 'activate';

/** What provisioning works with. It opens connections of its own to the clusters, one at a time, and closes them. */
export interface ProvisioningContext {
  readonly metadata: MetadataDatabase;
  readonly clusters: Clusters;
  /** @default silentLogger */
  readonly logger?: Logger | undefined;
  /** Called before each step; what it throws stops the provisioning there. */
  readonly onStep?: ((step: ProvisioningStep) => void | Promise<void>) | undefined;
}

/** The organization to make. A call for one that exists names the same placement and cluster. */
export interface ProvisionOrganization {
  /** Unique among organizations, whatever the case of its letters. */
  readonly name: string;
  /** Given, a name that another organization has is refused: pass a new id where the name comes from a stranger. @default that of the name, else a new id */
  readonly orgId?: OrgId | undefined;
  readonly placement: Placement;
  /** One of the context's clusters. */
  readonly cluster: string;
  /** The user of this e-mail, made without a password where there is none, holds the role `admin` afterwards: also in an organization that exists. */
  readonly admin?: { readonly email: string } | undefined;
  /** Written with a new organization, left as they are on one that exists. Stored for the host; not enforced yet. @default no limits */
  readonly quotas?: OrganizationQuotas | undefined;
}

/** Limits of one organization; one that is absent is no limit. Stored for the host; not enforced yet. */
export interface OrganizationQuotas {
  readonly max_jobs_per_month?: number | undefined;
  readonly max_concurrent_jobs?: number | undefined;
  readonly max_storage_gb?: number | undefined;
}

/** An organization that is active. */
export interface ProvisionedOrganization {
  readonly orgId: OrgId;
  readonly placement: Placement;
  readonly cluster: string;
  /** Null where no admin was asked for. */
  readonly adminUserId: string | null;
}

/**
 * Makes an organization that can work: its row, its Results DB, storage prefix, roles and first administrator. It is recorded first and active
 * last, so that a killed call leaves an organization that answers nothing and whose database is known; the same call again, by name or
 * id, goes on from there. For an active organization of this name at this place it makes sure of the administrator alone and returns it, so
 * that a host may call it at every start. Two calls at once end in one organization.
 * @throws {ConflictError} when the organization of this name has another id, placement or cluster, is suspended or is going away.
 * @throws {ProvisioningFailedError} when a step fails.
 * @throws {ValidationFailedError} @throws {ClusterUnknownError} @throws {PlacementUnsupportedError} before anything is written.
 */
export async function provisionOrganization(
  context: ProvisioningContext,
  request: ProvisionOrganization,
): Promise<ProvisionedOrganization> {
  const { metadata, clusters, logger = silentLogger, onStep } = context;
  const { placement, cluster } = request;
  const { name, email, quotas } = parseRequest(request);
  if (getCluster(clusters, cluster).kind === 'pglite' && placement !== 'schema')
    throw new PlacementUnsupportedError({ cluster, placement });

  const recorded = await recordOrganization(metadata, { orgId: request.orgId, name, placement, cluster, quotas });
  const { place, isActive } = recorded;
  const { orgId } = place;
  let adminUserId: string | null = null;
  const steps: Readonly<Record<ProvisioningStep, () => Promise<unknown>>> = {
    database: () => ensureDatabase(place, { clusters, logger }),
    migrate: () => migratePlace(place, { clusters, logger }),
    settings: () => seedSettings(metadata, place),
    roles: () => seedRoles(metadata, place),
    admin: async () => {
      if (email !== undefined) adminUserId = await seedAdmin(metadata, { orgId, email });
    },
    activate: () => activate(metadata, place),
  };
  const missing = isActive ? (['admin'] as const) : (Object.keys(steps) as ProvisioningStep[]);
  for (const step of missing) {
    try {
      await onStep?.(step);
      await steps[step]();
    } catch (cause) {
      await recordFailure(metadata, { orgId, step, cause }).catch(() =>
        logger.error({ orgId, step }, 'a failed provisioning could not be recorded'),
      );
      throw new ProvisioningFailedError({ orgId, step, cause });
    }
  }
  if (!isActive) logger.info({ orgId, placement, cluster }, 'organization provisioned');
  return { orgId, placement, cluster, adminUserId };
}

const count = z.number().int().nonnegative().optional();
const requestSchema = z.object({
  orgId: z.uuid().optional(),
  placement: z.enum(['database', 'schema']),
  admin: z.object({ email: z.email() }).optional(),
  quotas: z
    .strictObject({
      max_jobs_per_month: count,
      max_concurrent_jobs: count,
      max_storage_gb: z.number().nonnegative().optional(),
    })
    .default({}),
});

function parseRequest(request: ProvisionOrganization): { name: string; email: string | undefined; quotas: JsonObject } {
  const { success, data, error } = requestSchema.safeParse(request);
  if (!success) {
    const issues = error.issues.map(({ path, message }) => ({
      pointer: path.map((token) => `/${String(token)}`).join(''),
      message,
    }));
    throw new ValidationFailedError({ subject: 'organization', issues });
  }
  return { name: parseOrganizationName(request.name), email: data.admin?.email, quotas: data.quotas };
}

async function seedSettings(metadata: MetadataDatabase, { orgId }: ResultsDatabasePlace): Promise<void> {
  await inOrganization(metadata, orgId, (tx) =>
    tx
      .insertInto('org_settings')
      .values({ org_id: orgId, storage_prefix: orgId })
      .onConflict((conflict) => conflict.doNothing())
      .execute(),
  );
}

async function activate(metadata: MetadataDatabase, { orgId }: ResultsDatabasePlace): Promise<void> {
  const schema_version = Object.keys(resultsTrack.migrations).sort().at(-1) ?? null;
  await inAllOrganizations(metadata, async (tx) => {
    await tx
      .updateTable('org_databases')
      .set({ state: 'ready', schema_version, error: null })
      .where('org_id', '=', orgId)
      .execute();
    await tx
      .updateTable('organizations')
      .set({ status: 'active' })
      .where('org_id', '=', orgId)
      // Another call may have failed meanwhile; one that suspended the organization stands.
      .where('status', 'in', ['provisioning', 'failed'])
      .execute();
  });
}

interface ProvisioningFailure {
  readonly orgId: OrgId;
  readonly step: ProvisioningStep;
  readonly cause: unknown;
}

// Another call may have brought the organization to the end meanwhile: that stands.
async function recordFailure(metadata: MetadataDatabase, { orgId, step, cause }: ProvisioningFailure): Promise<void> {
  const error = { step, code: isMadError(cause) ? cause.code : null };
  await inAllOrganizations(metadata, async (tx) => {
    await tx
      .updateTable('org_databases')
      .set({ state: 'failed', error })
      .where('org_id', '=', orgId)
      .where('state', '=', 'provisioning')
      .execute();
    await tx
      .updateTable('organizations')
      .set({ status: 'failed' })
      .where('org_id', '=', orgId)
      .where('status', '=', 'provisioning')
      .execute();
  });
}
