import type { Caller } from '../../access/caller.ts';
import { NotFoundError } from '../../errors.ts';
import { isUuid } from '../../ids.ts';
import type { OrganizationTransaction } from '../../metadata/metadata-database.ts';
import { ownerOf } from '../../metadata/owner.ts';
import { findPipeline, findPipelineByName } from '../../metadata/pipeline.repository.ts';
import type { PipelineRow } from '../../metadata/tables/pipeline.table.ts';
import { isVisible } from '../published-pipeline.ts';

/** The pipeline to change, by name or id: one of the caller's organization, and no other user's private one. @throws {NotFoundError} */
export async function getOwnPipeline(
  tx: OrganizationTransaction,
  caller: Caller,
  { pipeline }: { readonly pipeline: string },
): Promise<PipelineRow> {
  const row = isUuid(pipeline)
    ? await findPipeline(tx, { pipelineId: pipeline })
    : await findPipelineByName(tx, { name: pipeline });
  if (row && isVisible(row, caller) && ownerOf(row, caller.orgId) === 'organization') return row;
  const hint = 'only the organization that made a pipeline can change it';
  throw new NotFoundError({ entity: 'pipeline', id: pipeline, hint });
}
