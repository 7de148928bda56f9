import { z } from 'zod';
import { authorize } from '../../access/authorize.ts';
import type { Caller } from '../../access/caller.ts';
import { inOrganization } from '../../metadata/metadata-database.ts';
import { type Owner, ownerOf } from '../../metadata/owner.ts';
import { type ListedPipelineRow, listPipelines } from '../../metadata/pipeline.repository.ts';
import type { Visibility } from '../../metadata/tables/pipeline.table.ts';
import type { Platform } from '../../platform.ts';
import type { Page, PageRequest } from '../../postgres/page.ts';
import { checkRequest, page, text } from './check-request.ts';

export interface ListCatalogue extends PageRequest {
  /** Part of the name or the description, whatever its case. */
  readonly text?: string | undefined;
  readonly visibility?: Visibility | undefined;
  /** Whose they are: the caller's organization's, the system's, or other organizations' public ones. @default all */
  readonly owner?: Owner | undefined;
  /** Only those that this user made. */
  readonly createdBy?: string | undefined;
  /** Those too whose published versions are all deprecated. @default false */
  readonly includeDeprecated?: boolean | undefined;
  /** Those of the organization too that have no published version. @default false */
  readonly includeDrafts?: boolean | undefined;
}

/** A pipeline that the caller may run. */
export interface CataloguePipeline {
  readonly pipelineId: string;
  readonly name: string;
  readonly description: string;
  /** What runs where no version is named; null: only prereleases, deprecated versions or drafts are there. */
  readonly latestVersion: string | null;
  /** True where no published version is left that is not deprecated. */
  readonly deprecated: boolean;
  readonly visibility: Visibility;
  readonly owner: Owner;
  /** Null for what no user made, and for other organizations' pipelines. */
  readonly createdBy: string | null;
  readonly createdAt: Date;
}

const request = z.looseObject({
  ...page,
  text: text(200).optional(),
  visibility: z.enum(['private', 'org', 'public']).optional(),
  owner: z.enum(['organization', 'system', 'other']).optional(),
  createdBy: z.string().max(200).optional(),
  includeDeprecated: z.boolean().optional(),
  includeDrafts: z.boolean().optional(),
});

/**
 * The pipelines that the caller may run, newest first: its organization's, those of its own that are private, the system's and other
 * organizations' public ones.
 * @throws {PermissionDeniedError} without `pipeline.view`
 */
export async function listCatalogue(
  platform: Platform,
  caller: Caller,
  asked: ListCatalogue = {},
): Promise<Page<CataloguePipeline>> {
  authorize(caller, 'pipeline.view');
  checkRequest(request, { subject: 'list of pipelines', value: asked });
  const { includeDeprecated, includeDrafts, ...filter } = asked;
  const rows = await inOrganization(platform.metadata, caller.orgId, (tx) =>
    listPipelines(tx, {
      ...filter,
      ownOnly: false,
      viewer: { userId: caller.userId },
      offered: { published: includeDeprecated ? 'any' : 'current', ownDrafts: includeDrafts ?? false },
    }),
  );
  return { ...rows, items: rows.items.map((row) => toCataloguePipeline(row, caller)) };
}

function toCataloguePipeline(row: ListedPipelineRow, { orgId }: Caller): CataloguePipeline {
  const owner = ownerOf(row, orgId);
  return {
    pipelineId: row.pipeline_id,
    name: row.name,
    description: row.description,
    latestVersion: row.latest_version,
    deprecated: row.published && !row.current,
    visibility: row.visibility,
    owner,
    createdBy: owner === 'organization' ? row.created_by : null,
    createdAt: row.created_at,
  };
}
