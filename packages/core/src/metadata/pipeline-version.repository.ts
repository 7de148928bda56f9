import { sql } from 'kysely';
import { newId, rowId } from '../ids.ts';
import { type Page, type PageRequest, pageLimit, toPage } from '../postgres/page.ts';
import { highestRelease } from './highest-release.ts';
import { idBeforePage } from './keyset.ts';
import type { MetadataTransaction, OrganizationTransaction } from './metadata-database.ts';
import { isEmpty } from './owned-row.ts';
import { requireSemver } from './require-semver.ts';
import type {
  NewPipelineVersionRow,
  PipelineVersionRow,
  PipelineVersionRowUpdate,
} from './tables/pipeline-version.table.ts';
import { found, translateRefusal } from './translate-refusal.ts';

const entity = 'pipeline version';
const hint = 'its content never changes: publish a higher version';

/** A version without its spec, which may be large. */
export type PipelineVersionHead = Omit<PipelineVersionRow, 'spec'>;

const HEAD = [
  'pipeline_version_id',
  'pipeline_id',
  'version',
  'published',
  'created_by',
  'created_at',
  'deprecated_at',
] as const satisfies readonly (keyof PipelineVersionHead)[];

interface ById {
  readonly pipelineVersionId: string;
}

/** A version of a pipeline the organization sees; of others' pipelines only published ones. */
export function findPipelineVersion(
  tx: MetadataTransaction,
  { pipelineVersionId }: ById,
): Promise<PipelineVersionRow | undefined> {
  return tx
    .selectFrom('pipeline_versions')
    .selectAll()
    .where('pipeline_version_id', '=', rowId(pipelineVersionId))
    .executeTakeFirst();
}

/** As `findPipelineVersion`, for a row that must be there. @throws {NotFoundError} */
export async function getPipelineVersion(
  tx: MetadataTransaction,
  { pipelineVersionId }: ById,
): Promise<PipelineVersionRow> {
  return found(await findPipelineVersion(tx, { pipelineVersionId }), { entity, id: pipelineVersionId });
}

/** The version of this pipeline with exactly this text. */
export function findPipelineVersionByText(
  tx: MetadataTransaction,
  { pipelineId, version }: { readonly pipelineId: string; readonly version: string },
): Promise<PipelineVersionRow | undefined> {
  return tx
    .selectFrom('pipeline_versions')
    .selectAll()
    .where('pipeline_id', '=', rowId(pipelineId))
    .where('version', '=', version)
    .executeTakeFirst();
}

/** As `findPipelineVersionByText`, without the spec. */
export function findPipelineVersionHead(
  tx: MetadataTransaction,
  { pipelineId, version }: { readonly pipelineId: string; readonly version: string },
): Promise<PipelineVersionHead | undefined> {
  return tx
    .selectFrom('pipeline_versions')
    .select(HEAD)
    .where('pipeline_id', '=', rowId(pipelineId))
    .where('version', '=', version)
    .executeTakeFirst();
}

export interface ListPipelineVersions extends PageRequest {
  readonly pipelineId: string;
  /** @default false */
  readonly publishedOnly?: boolean | undefined;
}

/** The versions of one pipeline, last written first. */
export async function listPipelineVersions(
  tx: MetadataTransaction,
  request: ListPipelineVersions,
): Promise<Page<PipelineVersionRow>> {
  let query = tx
    .selectFrom('pipeline_versions')
    .selectAll()
    .where('pipeline_id', '=', rowId(request.pipelineId))
    .where('pipeline_version_id', '<', idBeforePage(request));
  if (request.publishedOnly) query = query.where('published', '=', true);
  const rows = await query
    .orderBy('pipeline_version_id', 'desc')
    .limit(pageLimit(request) + 1)
    .execute();
  return toPage(rows, request, (row) => [row.pipeline_version_id]);
}

export interface ListPipelineVersionHeads extends PageRequest {
  readonly pipelineId: string;
  /** @default false */
  readonly includeDrafts?: boolean | undefined;
  /** @default false */
  readonly includeDeprecated?: boolean | undefined;
}

/** The versions of one pipeline without their specs, last written first. */
export async function listPipelineVersionHeads(
  tx: MetadataTransaction,
  request: ListPipelineVersionHeads,
): Promise<Page<PipelineVersionHead>> {
  let query = tx
    .selectFrom('pipeline_versions')
    .select(HEAD)
    .where('pipeline_id', '=', rowId(request.pipelineId))
    .where('pipeline_version_id', '<', idBeforePage(request));
  if (!request.includeDrafts) query = query.where('published', '=', true);
  if (!request.includeDeprecated) query = query.where('deprecated_at', 'is', null);
  const rows = await query
    .orderBy('pipeline_version_id', 'desc')
    .limit(pageLimit(request) + 1)
    .execute();
  return toPage(rows, request, (row) => [row.pipeline_version_id]);
}

/** The task definitions that the published versions in use of a pipeline run on. */
export async function listPipelineTasks(
  tx: MetadataTransaction,
  { pipelineId }: { readonly pipelineId: string },
): Promise<readonly string[]> {
  const { rows } = await sql<{ id: string }>`select distinct task.id #>> '{}' as id from pipeline_versions
    cross join lateral jsonb_path_query(spec, '$.tasks[*].taskDefinitionId') as task(id)
    where pipeline_id = ${rowId(pipelineId)} and published and deprecated_at is null`.execute(tx);
  return rows.map(({ id }) => id);
}

/**
 * Writes an unpublished version.
 * @throws {ValidationFailedError} when the version is no semver.
 * @throws {ConflictError} when the pipeline has this version already.
 * @throws {RowRefusedError} when the pipeline is not the organization's own.
 */
export async function insertPipelineVersion(
  tx: OrganizationTransaction,
  version: Omit<NewPipelineVersionRow, 'published' | 'deprecated_at'>,
): Promise<PipelineVersionRow> {
  requireSemver(version.version);
  const row = { ...version, pipeline_version_id: version.pipeline_version_id ?? newId(), published: false };
  return translateRefusal({ entity, id: row.version, hint }, () =>
    tx.insertInto('pipeline_versions').values(row).returningAll().executeTakeFirstOrThrow(),
  );
}

/** Changes a version that is not yet published. @throws {NotFoundError} @throws {RowRefusedError} once it is published. */
export async function updatePipelineVersion(
  tx: OrganizationTransaction,
  { pipelineVersionId, set }: ById & { readonly set: Pick<PipelineVersionRowUpdate, 'version' | 'spec'> },
): Promise<PipelineVersionRow> {
  if (isEmpty(set)) return getPipelineVersion(tx, { pipelineVersionId });
  if (set.version !== undefined) requireSemver(set.version);
  return change(tx, { pipelineVersionId, set });
}

/**
 * Freezes the version and makes the pipeline's `latest_version` the highest published one that is neither deprecated nor a prerelease, as semver
 * orders them. Publishing twice is publishing once. Waits for others that publish or deprecate versions of the same pipeline.
 * @throws {NotFoundError}
 */
export function publishPipelineVersion(
  tx: OrganizationTransaction,
  { pipelineVersionId }: ById,
): Promise<PipelineVersionRow> {
  return changeOffer(tx, { pipelineVersionId, set: { published: true } });
}

/**
 * Marks a version as no longer recommended; the first time counts. It still runs where it is named, and is no longer the pipeline's `latest_version`.
 * Waits as `publishPipelineVersion` does.
 * @throws {NotFoundError}
 */
export function deprecatePipelineVersion(
  tx: OrganizationTransaction,
  { pipelineVersionId }: ById,
): Promise<PipelineVersionRow> {
  return changeOffer(tx, { pipelineVersionId, set: { deprecated_at: sql<Date>`coalesce(deprecated_at, now())` } });
}

/** The version that runs where none is named: the highest published one that is neither deprecated nor a prerelease, as semver orders them. */
export async function findLatestPipelineVersion(
  tx: MetadataTransaction,
  { pipelineId }: { readonly pipelineId: string },
): Promise<string | undefined> {
  const rows = await tx
    .selectFrom('pipeline_versions')
    .select('version')
    .where('pipeline_id', '=', rowId(pipelineId))
    .where('published', '=', true)
    .where('deprecated_at', 'is', null)
    .execute();
  return highestRelease(rows.map(({ version }) => version));
}

/** Returns false when the organization owns no such version. @throws {RowRefusedError} once it is published. */
export async function deletePipelineVersion(
  tx: OrganizationTransaction,
  { pipelineVersionId }: ById,
): Promise<boolean> {
  const { numDeletedRows } = await translateRefusal({ entity, id: pipelineVersionId }, () =>
    tx
      .deleteFrom('pipeline_versions')
      .where('pipeline_version_id', '=', rowId(pipelineVersionId))
      .executeTakeFirstOrThrow(),
  );
  return numDeletedRows > 0n;
}

async function changeOffer(
  tx: OrganizationTransaction,
  { pipelineVersionId, set }: ById & { readonly set: Change },
): Promise<PipelineVersionRow> {
  const { pipeline_id } = await getPipelineVersion(tx, { pipelineVersionId });
  // Not FOR UPDATE: whoever has just inserted a version holds the row's key, and two of them would wait for each other.
  await tx
    .selectFrom('pipelines')
    .select('pipeline_id')
    .where('pipeline_id', '=', pipeline_id)
    .forNoKeyUpdate()
    .execute();
  const changed = await change(tx, { pipelineVersionId, set });
  const latest_version = (await findLatestPipelineVersion(tx, { pipelineId: pipeline_id })) ?? null;
  await tx.updateTable('pipelines').set({ latest_version }).where('pipeline_id', '=', pipeline_id).execute();
  return changed;
}

type Change = Omit<PipelineVersionRowUpdate, 'deprecated_at'> & { deprecated_at?: ReturnType<typeof sql<Date>> };

async function change(
  tx: OrganizationTransaction,
  { pipelineVersionId, set }: ById & { readonly set: Change },
): Promise<PipelineVersionRow> {
  const row = await translateRefusal({ entity, id: pipelineVersionId, hint }, () =>
    tx
      .updateTable('pipeline_versions')
      .set(set)
      .where('pipeline_version_id', '=', rowId(pipelineVersionId))
      .returningAll()
      .executeTakeFirst(),
  );
  return found(row, { entity, id: pipelineVersionId });
}
