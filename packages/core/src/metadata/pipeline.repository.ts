import { newId, rowId } from '../ids.ts';
import { type Page, type PageRequest, pageLimit, toPage } from '../postgres/page.ts';
import { idBeforePage } from './keyset.ts';
import { type MetadataTransaction, type OrganizationTransaction, organizationOf } from './metadata-database.ts';
import { isEmpty, type OwnedRow } from './owned-row.ts';
import type { NewPipelineRow, PipelineRow, PipelineRowUpdate } from './tables/pipeline.table.ts';
import { found, translateRefusal } from './translate-refusal.ts';

const entity = 'pipeline';
const hint = 'choose another name, or insert a version of that pipeline';

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
}

/** Pipelines the organization may run, newest first. */
export async function listPipelines(
  tx: OrganizationTransaction,
  request: ListPipelines = {},
): Promise<Page<PipelineRow>> {
  let query = tx.selectFrom('pipelines').selectAll().where('pipeline_id', '<', idBeforePage(request));
  if (request.ownOnly) query = query.where('org_id', '=', organizationOf(tx));
  const rows = await query
    .orderBy('pipeline_id', 'desc')
    .limit(pageLimit(request) + 1)
    .execute();
  return toPage(rows, request, (row) => [row.pipeline_id]);
}

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
