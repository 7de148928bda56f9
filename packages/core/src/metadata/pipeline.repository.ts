import { sql } from 'kysely';
import { newId, rowId } from '../ids.ts';
import { type Page, type PageRequest, pageLimit, toPage } from '../postgres/page.ts';
import { containsText } from './contains-text.ts';
import { idBeforePage } from './keyset.ts';
import { type MetadataTransaction, type OrganizationTransaction, organizationOf } from './metadata-database.ts';
import { isEmpty, type OwnedRow } from './owned-row.ts';
import { type Owner, ownedBy } from './owner.ts';
import type { NewPipelineRow, PipelineRow, PipelineRowUpdate, Visibility } from './tables/pipeline.table.ts';
import { found, translateRefusal } from './translate-refusal.ts';

const entity = 'pipeline';
const hint = 'choose another name, or publish a version of that pipeline';

/** A pipeline of the organization, of the system, or a public one. */
export function findPipeline(
  tx: MetadataTransaction,
  { pipelineId }: { readonly pipelineId: string },
): Promise<PipelineRow | undefined> {
  return tx.selectFrom('pipelines').selectAll().where('pipeline_id', '=', rowId(pipelineId)).executeTakeFirst();
}

/** As `findPipeline`, for a row that must be there. @throws {NotFoundError} */
export async function getPipeline(
  tx: MetadataTransaction,
  { pipelineId }: { readonly pipelineId: string },
): Promise<PipelineRow> {
  return found(await findPipeline(tx, { pipelineId }), { entity, id: pipelineId });
}

/** The organization's own pipeline of this name. Names of others' public pipelines are not unique: find those by id. */
export function findPipelineByName(
  tx: OrganizationTransaction,
  { name }: { readonly name: string },
): Promise<PipelineRow | undefined> {
  return tx
    .selectFrom('pipelines')
    .selectAll()
    .where('org_id', '=', organizationOf(tx))
    .where('name', '=', name)
    .executeTakeFirst();
}

export interface ListPipelines extends PageRequest {
  /** Leaves out the system's and others' public ones. @default false */
  readonly ownOnly?: boolean | undefined;
  /** @default whosever it is */
  readonly owner?: Owner | undefined;
  /** Part of the name or the description, whatever its case. */
  readonly text?: string | undefined;
  readonly visibility?: Visibility | undefined;
  readonly createdBy?: string | undefined;
  /** Leaves out private ones except this user's own, null: all of them. @default none */
  readonly viewer?: { readonly userId: string | null } | undefined;
  /** Leaves out those without a published version, or without a `current` one. @default none */
  readonly offered?: { readonly published: 'any' | 'current'; readonly ownDrafts: boolean } | undefined;
}

/** A pipeline, whether it has a published version, and one that is not deprecated. */
export type ListedPipelineRow = PipelineRow & { readonly published: boolean; readonly current: boolean };

/** Pipelines the organization may run, newest first. */
export async function listPipelines(
  tx: OrganizationTransaction,
  request: ListPipelines = {},
): Promise<Page<ListedPipelineRow>> {
  const { owner, text, visibility, createdBy, viewer, offered } = request;
  let query = tx
    .selectFrom('pipelines')
    .selectAll()
    .select([PUBLISHED.as('published'), CURRENT.as('current')])
    .where('pipeline_id', '<', idBeforePage(request));
  if (request.ownOnly) query = query.where('org_id', '=', organizationOf(tx));
  if (owner !== undefined) query = query.where(ownedBy(tx, owner));
  if (text !== undefined) query = query.where(containsText(['name', 'description'], text));
  if (visibility !== undefined) query = query.where('visibility', '=', visibility);
  if (createdBy !== undefined) query = query.where('created_by', '=', rowId(createdBy));
  if (viewer) query = query.where(openTo(tx, viewer.userId));
  if (offered) query = query.where(isOffered(tx, offered));
  const rows = await query
    .orderBy('pipeline_id', 'desc')
    .limit(pageLimit(request) + 1)
    .execute();
  return toPage(rows, request, (row) => [row.pipeline_id]);
}

const VERSIONS = sql`select from pipeline_versions v where v.pipeline_id = pipelines.pipeline_id and v.published`;
const PUBLISHED = sql<boolean>`exists (${VERSIONS})`;
const CURRENT = sql<boolean>`exists (${VERSIONS} and v.deprecated_at is null)`;

function isOffered(tx: OrganizationTransaction, { published, ownDrafts }: NonNullable<ListPipelines['offered']>) {
  const offered = published === 'any' ? PUBLISHED : CURRENT;
  return ownDrafts ? sql<boolean>`(${offered} or (${ownedBy(tx, 'organization')} and not ${PUBLISHED}))` : offered;
}

// What no user made is nobody's: null equals no id.
const openTo = (tx: OrganizationTransaction, userId: string | null) =>
  sql<boolean>`(visibility <> 'private' or (org_id = ${organizationOf(tx)} and created_by = ${userId === null ? null : rowId(userId)}))`;

/** Writes a pipeline without versions. @throws {ConflictError} when the organization has a pipeline of this name. */
export function insertPipeline(
  tx: OrganizationTransaction,
  pipeline: Omit<OwnedRow<NewPipelineRow>, 'latest_version'>,
): Promise<PipelineRow> {
  const row = {
    ...pipeline,
    pipeline_id: pipeline.pipeline_id ?? newId(),
    org_id: organizationOf(tx),
    latest_version: null,
  };
  return translateRefusal({ entity, id: row.name, hint }, () =>
    tx.insertInto('pipelines').values(row).returningAll().executeTakeFirstOrThrow(),
  );
}

/** `latest_version` is not here: only publishing writes it. @throws {NotFoundError} @throws {ConflictError} when the new name is taken. */
export async function updatePipeline(
  tx: OrganizationTransaction,
  {
    pipelineId,
    set,
  }: { readonly pipelineId: string; readonly set: Pick<PipelineRowUpdate, 'name' | 'description' | 'visibility'> },
): Promise<PipelineRow> {
  if (isEmpty(set)) return getPipeline(tx, { pipelineId });
  const row = await translateRefusal({ entity, id: set.name ?? pipelineId, hint }, () =>
    tx.updateTable('pipelines').set(set).where('pipeline_id', '=', rowId(pipelineId)).returningAll().executeTakeFirst(),
  );
  return found(row, { entity, id: pipelineId });
}

/** Returns false when the organization owns no such pipeline. @throws {RowRefusedError} when a version was published or a job ran one. */
export async function deletePipeline(
  tx: OrganizationTransaction,
  { pipelineId }: { readonly pipelineId: string },
): Promise<boolean> {
  const { numDeletedRows } = await translateRefusal({ entity, id: pipelineId }, () =>
    tx.deleteFrom('pipelines').where('pipeline_id', '=', rowId(pipelineId)).executeTakeFirstOrThrow(),
  );
  return numDeletedRows > 0n;
}
