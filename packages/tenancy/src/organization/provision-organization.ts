import {
  checkRequest,
  inAllOrganizations,
  isMadError,
  type JsonObject,
  type Logger,
  type MetadataDatabase,
  type OrgId,
  type Placement,
  silentLogger,
} from '@mad/core';
import PQueue from 'p-queue';
import { z } from 'zod';
import { PlacementUnsupportedError, ProvisioningFailedError } from '../errors.ts';
import { type OrganizationQuotas, quotasSchema } from '../quota/quotas.ts';
import { type Cluster, type Clusters, getCluster } from '../results-database/cluster.ts';
import { type ClusterSession, openKeptSession } from '../results-database/cluster-session.ts';
import { createResultsSchema } from '../results-database/create-results-schema.ts';
import { migratePlace } from '../results-database/ensure-results-database.ts';
import { cloneResultsDatabase, type FoundTemplate, findTemplate } from '../results-database/results-template.ts';
import { activateOrganization } from './activate-organization.ts';
import { checkTogether, holdTogether } from './hold-organization.ts';
import { parseOrganizationName } from './organization-name.ts';
import { type RecordedOrganization, recordOrganization } from './record-organization.ts';
import { isReservedId } from './reserved-id.ts';

/**
 * What provisioning does. `record` writes the organization with the place of its Results DB, and is all there is to do for an active one and where the
 * warm pool has a database. `database` makes its database, or its schema with all that is in it; `migrate` brings what was left half-way to the newest
 * version; `activate` writes settings, roles and administrator meanwhile, and lets it answer last.
 */
export type ProvisioningStep = 'record' | 'database' | 'migrate' | 'activate';

/** What provisioning works with. It opens at most two connections of its own to the cluster, and closes them. */
export interface ProvisioningContext {
  readonly metadata: MetadataDatabase;
  readonly clusters: Clusters;
  /** @default silentLogger */
  readonly logger?: Logger | undefined;
  /** Called before and after each step; what it throws stops the provisioning there. */
  readonly onStep?: ((step: ProvisioningStep, moment: 'before' | 'after') => void | Promise<void>) | undefined;
}

/** The organization to make. A call for one that exists names the same placement and cluster. */
export interface ProvisionOrganization {
  /** Unique among organizations, whatever the case of its letters. */
  readonly name: string;
  /** Given, a name that another organization has is refused: it gets no database of the warm pool, those have ids. @default that of the name, else a new id */
  readonly orgId?: OrgId | undefined;
  readonly placement: Placement;
  /** One of the context's clusters. */
  readonly cluster: string;
  /** True: a name that an organization has is refused, also one left half-way: for names that come from strangers. @default false */
  readonly mustBeNew?: boolean | undefined;
  /** The user of this e-mail, made without a password where there is none, holds the role `admin` afterwards: also in an organization that exists. */
  readonly admin?: { readonly email: string } | undefined;
  /** Written with a new organization, left as they are on one that exists: `setQuotas` changes them. @default no limits */
  readonly quotas?: OrganizationQuotas | undefined;
  /** The user who does it, for the audit trail. @default null: a program */
  readonly actor?: string | null | undefined;
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
 * Makes an organization that can work: its row, its Results DB, storage prefix, roles and first administrator. It is recorded first and active last, so
 * that a killed call leaves an organization that answers nothing and whose database is known; the same call again, by name or id, goes on from there,
 * and `takeBackOrganization` undoes it. For an active organization of this name at this place it makes
 * sure of the administrator alone and returns it, so that a host may call it at every start. Two calls at once end in one organization.
 * A database is taken from the warm pool where there is one, and is else a copy of the cluster's template, which the first call makes. Of many calls
 * at once eight run on a cluster, the others wait for their turn.
 * @throws {ConflictError} when the organization of this name has another id, placement or cluster, is suspended or is going away.
 * @throws {OrganizationBusyError} while it is taken back.
 * @throws {ProvisioningFailedError} when a step after `record` fails, also because a server cut the connection by which `takeBackOrganization` is kept off.
 * @throws {ValidationFailedError} @throws {ClusterUnknownError} @throws {PlacementUnsupportedError} @throws {ResultsDatabaseUnreachableError} before
 *   anything is written.
 */
export async function provisionOrganization(
  context: ProvisioningContext,
  request: ProvisionOrganization,
): Promise<ProvisionedOrganization> {
  const parsed = parseRequest(request);
  const { placement, cluster: name } = parsed;
  const cluster = getCluster(context.clusters, name);
  if (cluster.kind === 'pglite' && placement !== 'schema')
    throw new PlacementUnsupportedError({ cluster: name, placement });
  return lineOf(cluster).add(() => provision(context, parsed));
}

/** More are no faster, and each has connections that no budget counts. */
const AT_ONCE = 8;

const lines = new WeakMap<Cluster, PQueue>();

/** Those who make organizations on a cluster. */
function lineOf(cluster: Cluster): PQueue {
  const line = lines.get(cluster) ?? new PQueue({ concurrency: AT_ONCE });
  lines.set(cluster, line);
  return line;
}

async function provision(
  context: ProvisioningContext,
  parsed: ReturnType<typeof parseRequest>,
): Promise<ProvisionedOrganization> {
  const { metadata, clusters, logger = silentLogger, onStep } = context;
  const { placement, cluster } = parsed;
  let opening: Promise<ClusterSession> | undefined;
  // An active organization and one from the warm pool do not need it.
  const open = () => (opening ??= openKeptSession({ clusters, cluster, logger }));
  try {
    await onStep?.('record', 'before');
    let template: Promise<FoundTemplate> | undefined;
    const hold = async (orgId: OrgId) => {
      const session = await open();
      await holdTogether(session, { orgId, cluster });
      // Answered while the organization is written down.
      if (placement === 'database') template = findTemplate(session.db);
      template?.catch(() => {});
    };
    const recorded = await recordOrganization(metadata, { ...parsed, hold });
    await onStep?.('record', 'after');
    const { orgId } = recorded.place;
    if (recorded.is === 'active') return { orgId, placement, cluster, adminUserId: recorded.adminUserId };
    const { email, actor } = parsed;
    const adminUserId = await finish({ ...context, logger, session: await open(), template, email, actor }, recorded);
    logger.info({ orgId, placement, cluster }, 'organization provisioned');
    return { orgId, placement, cluster, adminUserId };
  } finally {
    await opening?.then(
      (session) => session[Symbol.asyncDispose](),
      () => {},
    );
  }
}

interface Finish extends ProvisioningContext {
  readonly logger: Logger;
  readonly session: ClusterSession;
  readonly template: Promise<FoundTemplate> | undefined;
  readonly email: string | undefined;
  readonly actor: string | null;
}

/** Returns the id of the administrator. */
async function finish(context: Finish, recorded: RecordedOrganization): Promise<string | null> {
  const { metadata, logger, onStep, email, actor } = context;
  const { place } = recorded;
  const { orgId } = place;
  let failed: ProvisioningStep | undefined;
  let isReady = Promise.resolve();
  const run = async <T>(step: ProvisioningStep, work: () => Promise<T>): Promise<T> => {
    try {
      await onStep?.(step, 'before');
      const done = await work();
      await onStep?.(step, 'after');
      return done;
    } catch (cause) {
      failed ??= step;
      throw cause;
    }
  };
  try {
    isReady = run('database', () => provideDatabase(context, recorded))
      .then((isMade) => (isMade ? undefined : run('migrate', () => migratePlace(place, context))))
      // Another call may have taken it back since, where the server cut the session.
      .then(() => checkTogether(context.session, place));
    isReady.catch(() => {});
    // What is made as a copy is there in milliseconds, in which the rest can be written. For migrations no transaction is kept open, nor PGlite's one session.
    if (recorded.is === 'half' || context.session.cluster.kind === 'pglite') await isReady;
    return await run('activate', () => activateOrganization(metadata, { orgId, email, actor, isReady }));
  } catch (cause) {
    // What is under way ends before anybody is told that it may be taken back.
    await isReady.catch(() => {});
    const step = failed ?? 'activate';
    await recordFailure(metadata, { orgId, step, cause }).catch(() =>
      logger.error({ orgId, step }, 'a failed provisioning could not be recorded'),
    );
    throw new ProvisioningFailedError({ orgId, step, cause });
  }
}

/** True: it was made now, at the newest version. */
async function provideDatabase(
  { session, template, logger }: Finish,
  { place }: RecordedOrganization,
): Promise<boolean> {
  const { database } = place;
  if (session.cluster.kind === 'pglite') return false;
  if (database === undefined) return createResultsSchema(session.db, place);
  return cloneResultsDatabase(session, { name: database, logger, found: template });
}

const requestSchema = z.strictObject({
  name: z.string(),
  orgId: z
    .uuid()
    .refine((id) => !isReservedId(id), 'expected an id that is not reserved; leave it out for a new one')
    .optional(),
  placement: z.enum(['database', 'schema']),
  cluster: z.string(),
  mustBeNew: z.boolean().default(false),
  admin: z.strictObject({ email: z.email() }).optional(),
  quotas: quotasSchema.default({}),
  actor: z.uuid().nullable().default(null),
});

function parseRequest(request: ProvisionOrganization) {
  const { admin, orgId, quotas, ...rest } = checkRequest(requestSchema, { subject: 'organization', value: request });
  const limits: JsonObject = quotas;
  return {
    ...rest,
    orgId: orgId?.toLowerCase(),
    name: parseOrganizationName(rest.name),
    email: admin?.email,
    quotas: limits,
  };
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
