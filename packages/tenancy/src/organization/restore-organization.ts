import {
  type ArtifactStore,
  ConflictError,
  checkRequest,
  countStoredFiles,
  findOrganization,
  findOrgDatabase,
  inAllOrganizations,
  inOrganization,
  insertOrganization,
  insertOrgDatabase,
  newId,
  type OrganizationRow,
  type OrgId,
  openResultsDatabase,
  type Placement,
  resultsTrack,
  storableText,
  UNUSABLE_PASSWORD,
  updateOrganization,
} from '@mad/core';
import { sql } from 'kysely';
import { z } from 'zod';
import { type ArchiveManifest, countRows } from '../archive/archive-manifest.ts';
import type { ArchivedMember } from '../archive/check-line.ts';
import { type KnownMember, loadMetadata, loadResults, parseMembers, VerifiedPieces } from '../archive/load-archive.ts';
import { MEMBERS, METADATA_PARTS } from '../archive/metadata-parts.ts';
import { readArchive, verifyArchive } from '../archive/read-archive.ts';
import { ArchiveRefusedError, OrganizationStateError, PlacementUnsupportedError } from '../errors.ts';
import { getCluster } from '../results-database/cluster.ts';
import { describeTables, measureTables } from '../results-database/describe-tables.ts';
import { inPlace, placeExists } from '../results-database/drop-own-place.ts';
import { ensureDatabase, migratePlace } from '../results-database/ensure-results-database.ts';
import { placeResultsDatabase } from '../results-database/results-database-place.ts';
import { holdAlone } from './hold-organization.ts';
import type { OrganizationContext } from './organization-context.ts';
import { parseOrganizationName } from './organization-name.ts';
import { aroundOf, type Restore, removeAll, removeRecorded } from './remove-restored.ts';
import { noteBegin, noteEnd, noteUsers } from './restore-notes.ts';

/** What restoring does after the archive was verified and the organization recorded, in this order. */
export type RestoreStep = 'database' | 'metadata' | 'results' | 'files' | 'compare' | 'activate';

/** What restoring works with. */
export interface RestoreContext extends OrganizationContext {
  readonly artifacts: ArtifactStore;
  /** Called before each step; what it throws stops the restoring there. */
  readonly onStep?: ((step: RestoreStep) => void | Promise<void>) | undefined;
}

/** The archive, and where its organization is to live. */
export interface RestoreOrganization {
  /** The archive, a plain file. */
  readonly from: string;
  /** @default the name in the archive */
  readonly name?: string | undefined;
  readonly placement: Placement;
  readonly cluster: string;
  /** The user who asked for it; null for a program. */
  readonly actor: string | null;
  /** An archive that unpacks to more is refused. @default 1e12 */
  readonly maxBytes?: number | undefined;
}

/** An organization that lives again. */
export interface RestoredOrganization {
  readonly orgId: OrgId;
  /** Rows by database and table, as the archive and both databases have them: `results.jobs`. */
  readonly rows: Readonly<Record<string, number>>;
  readonly files: { readonly count: number; readonly bytes: number };
  /** People of whom nobody here had the e-mail: made without a password. */
  readonly usersMade: number;
}

const requestSchema = z.strictObject({
  from: storableText(4_096),
  name: z.string().optional(),
  placement: z.enum(['database', 'schema']),
  cluster: z.string().min(1).max(200),
  actor: z.uuid().nullable(),
  maxBytes: z.number().int().positive().optional(),
});

/**
 * Brings an organization back from its archive, under the id it had: published pipeline versions, files and seals of the result cache name that id. The whole
 * archive is verified before anything is written, and every count again before the organization is active; whatever is refused or fails leaves nothing.
 * An organization of this id must not be there, or be one that was offboarded.
 *
 * People are found by e-mail, or made without a password. Cache entries are served where the host's seal secret is the one they were sealed under; elsewhere
 * they are not, and the next result takes their place. Tokens, invitations, instances of services and grants of global roles are not
 * in an archive; its audit trail is, but is not restored: the organization's trail here goes on, with an entry that tells what the archive held and when it was made.
 * @throws {ArchiveRefusedError} @throws {ArchivePathError} @throws {ConflictError} when the organization, its name or its place is there already.
 * @throws {OrganizationBusyError} while another call restores it. @throws {OrganizationHoldLostError} and what it left the next call takes away.
 * @throws {ValidationFailedError} @throws {ClusterUnknownError} @throws {PlacementUnsupportedError}
 */
export async function restoreOrganization(
  context: RestoreContext,
  request: RestoreOrganization,
): Promise<RestoredOrganization> {
  checkRequest(requestSchema, { subject: 'restore', value: request });
  const { from, placement, cluster, actor, maxBytes = 1e12 } = request;
  if (getCluster(context.clusters, cluster).kind === 'pglite' && placement !== 'schema')
    throw new PlacementUnsupportedError({ cluster, placement });
  const archive = { path: from, maxBytes };
  const verified = await verifyArchive(archive);
  const { manifest } = verified;
  const orgId = manifest.org_id;
  checkVersions(manifest);
  const name = parseOrganizationName(request.name ?? manifest.organization.name);
  const place = placeResultsDatabase({ orgId, placement, cluster });
  await using hold = await holdAlone(context, { orgId, cluster });
  const restore: Restore = {
    context,
    hold,
    manifest,
    place,
    name,
    actor,
    restoreId: newId(),
    digests: [],
  };
  await takePlace(restore);
  await using pieces = new VerifiedPieces(readArchive(archive), verified);
  try {
    const usersMade = await load(restore, pieces, context.onStep);
    return { orgId, rows: countRows(manifest), files: manifest.files, usersMade };
  } catch (error) {
    await removeAll(restore);
    throw error;
  }
}

function checkVersions({ schema_versions: { results } }: ArchiveManifest): void {
  if (!Object.hasOwn(resultsTrack.migrations, results))
    throw new ArchiveRefusedError({
      at: 'manifest.json',
      reason: `its Results DB has the version ${results}, which this library does not know`,
    });
}

/** Records the organization, so that whatever a crash leaves is known; it answers nothing. What a killed restore of it left is taken away first. */
async function takePlace(restore: Restore): Promise<void> {
  const { context, manifest, place, restoreId, name } = restore;
  const orgId = manifest.org_id;
  const left = await inAllOrganizations(context.metadata, (tx) => findOrgDatabase(tx, { orgId }));
  if (left?.transition === 'restore') await removeRecorded(restore, left);
  // Before its place: what lies there is a living organization's, and nobody is to be told to drop it.
  await inAllOrganizations(context.metadata, async (tx) => checkIsAway(await findOrganization(tx, { orgId })));
  if (await placeExists(place, aroundOf(restore))) {
    const hint = 'look what lies there, and drop it or choose another place';
    throw new ConflictError({
      entity: 'Results DB',
      id: `${place.database ?? place.schema} on ${place.cluster}`,
      hint,
    });
  }
  const hadFiles = await hasFiles(context.artifacts, orgId);
  await inAllOrganizations(context.metadata, async (tx) => {
    const there = await tx
      .selectFrom('organizations')
      .selectAll()
      .where('org_id', '=', orgId)
      .forUpdate()
      .executeTakeFirst();
    checkIsAway(there);
    const row = { name, status: 'suspended', quotas: manifest.organization.quotas } as const;
    if (there) await updateOrganization(tx, { orgId, set: row });
    else await insertOrganization(tx, { org_id: orgId, created_at: manifest.organization.created_at, ...row });
    await tx.deleteFrom('org_databases').where('org_id', '=', orgId).execute();
    const { placement, cluster, database, schema } = place;
    await insertOrgDatabase(tx, {
      ...{ org_id: orgId, placement, cluster, database_name: database ?? null, schema_name: schema },
      ...{ state: 'provisioning', transition: 'restore', transition_id: restoreId },
    });
    await noteBegin(tx, restore, hadFiles);
  });
}

async function hasFiles(artifacts: ArtifactStore, orgId: OrgId): Promise<boolean> {
  for await (const _ of artifacts.list(orgId)) return true;
  return false;
}

/** @throws {ConflictError} for an organization that is there and was not offboarded. */
function checkIsAway(there: OrganizationRow | undefined): void {
  if (there === undefined || there.status === 'deleted') return;
  const hint = 'an archive is restored where its organization is not; offboard it first';
  throw new ConflictError({ entity: 'organization', id: there.org_id, hint });
}

/** Returns how many users it has made. */
async function load(restore: Restore, pieces: VerifiedPieces, onStep: RestoreContext['onStep']): Promise<number> {
  const { context, manifest, place } = restore;
  const { metadata, artifacts } = context;
  const orgId = manifest.org_id;
  let members: readonly KnownMember[] = [];
  let usersMade = 0;
  const steps: Readonly<Record<RestoreStep, () => Promise<unknown>>> = {
    database: async () => {
      await ensureDatabase(place, aroundOf(restore));
      await migratePlace(place, aroundOf(restore));
    },
    metadata: async () => {
      const people: ArchivedMember[] = [];
      for await (const piece of pieces.rows('metadata', MEMBERS)) people.push(...parseMembers(piece));
      const { known, made } = await knowMembers(restore, people);
      [members, usersMade] = [known, made.length];
      await inOrganization(metadata, orgId, (tx) =>
        loadMetadata(tx, { orgId, parts: pieces.rows('metadata'), members }),
      );
    },
    results: () =>
      inPlace(place, aroundOf(restore), (db) =>
        db.transaction().execute((tx) =>
          loadResults(tx, {
            schema: place.schema,
            parts: pieces.rows('results'),
            members,
            sequences: manifest.sequences,
          }),
        ),
      ),
    files: () => pieces.storeFiles(artifacts, orgId, (digest) => restore.digests.push(digest)),
    compare: async () => {
      await compareCounts(restore);
      // An archive of before files were counted holds no count.
      await inPlace(place, aroundOf(restore), (db) =>
        countStoredFiles(openResultsDatabase(db, { schema: place.schema })),
      );
    },
    activate: () => activate(restore),
  };
  for (const [step, run] of Object.entries(steps) as [RestoreStep, () => Promise<unknown>][]) {
    await onStep?.(step);
    await restore.hold.check();
    await run();
  }
  return usersMade;
}

/** Finds the people of the archive by e-mail; whom nobody here has is made, without a password. */
async function knowMembers(
  restore: Restore,
  people: readonly ArchivedMember[],
): Promise<{ readonly known: readonly KnownMember[]; readonly made: readonly string[] }> {
  return inAllOrganizations(restore.context.metadata, async (tx) => {
    const known: KnownMember[] = [];
    const made: string[] = [];
    for (const { user_id: there, email } of people) {
      const taken = await tx.selectFrom('users').select('user_id').where('user_id', '=', there).executeTakeFirst();
      const inserted = await tx
        .insertInto('users')
        .values({ user_id: taken ? newId() : there, email, hashed_password: UNUSABLE_PASSWORD })
        .onConflict((conflict) => conflict.column('email').doNothing())
        .returning('user_id')
        .executeTakeFirst();
      if (inserted) made.push(inserted.user_id);
      const { user_id: here } = await tx
        .selectFrom('users')
        .select('user_id')
        .where('email', '=', email)
        .executeTakeFirstOrThrow();
      known.push({ there, here });
    }
    await noteUsers(tx, restore, made);
    return { known, made };
  });
}

/** What the databases hold now is what the archive says, table by table. @throws {ArchiveRefusedError} */
async function compareCounts(restore: Restore): Promise<void> {
  const { context, manifest, place } = restore;
  const found = new Map<string, number>();
  const measures = await inPlace(place, aroundOf(restore), async (db) =>
    measureTables(db, { schema: place.schema, tables: await describeTables(db, place.schema) }),
  );
  for (const [table, { rows }] of measures) found.set(`results.${table}`, rows);
  await inOrganization(context.metadata, manifest.org_id, async (tx) => {
    for (const { table, from } of METADATA_PARTS) {
      // A line of the archive holds all steps of a template.
      const what = table === 'pipeline_task_steps' ? sql`distinct r.template_id` : sql`*`;
      const { rows } = await sql<{
        rows: string;
      }>`select count(${what})::text as rows ${from(manifest.org_id)}`.execute(tx);
      found.set(`metadata.${table}`, Number(rows[0]?.rows ?? 0));
    }
  });
  const told = countRows(manifest);
  for (const [table, rows] of found)
    if ((told[table] ?? 0) !== rows)
      throw new ArchiveRefusedError({
        at: table,
        reason: `${told[table] ?? 0} rows were to be restored, and ${rows} are there`,
      });
}

async function activate(restore: Restore): Promise<void> {
  const { context, manifest, restoreId } = restore;
  const orgId = manifest.org_id;
  const schema_version = Object.keys(resultsTrack.migrations).sort().at(-1) ?? null;
  await inAllOrganizations(context.metadata, async (tx) => {
    const { numUpdatedRows } = await tx
      .updateTable('org_databases')
      .set({ state: 'ready', schema_version, transition: null, transition_id: null })
      .where('org_id', '=', orgId)
      .where('transition_id', '=', restoreId)
      .executeTakeFirstOrThrow();
    if (numUpdatedRows === 0n)
      throw new OrganizationStateError({
        orgId,
        state: 'restored by another call',
        hint: 'look which one it is to be',
      });
    await updateOrganization(tx, { orgId, set: { status: 'active' } });
    await noteEnd(tx, restore);
  });
}
