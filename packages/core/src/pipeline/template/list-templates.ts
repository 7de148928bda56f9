import { z } from 'zod';
import { authorize } from '../../access/authorize.ts';
import type { Caller } from '../../access/caller.ts';
import { inOrganization } from '../../metadata/metadata-database.ts';
import { type Owner, ownerOf } from '../../metadata/owner.ts';
import { listPipelineTemplates, type PipelineTemplateHead } from '../../metadata/pipeline-template.repository.ts';
import type { Platform } from '../../platform.ts';
import type { Page, PageRequest } from '../../postgres/page.ts';
import { checkRequest, label, page, text } from '../catalogue/check-request.ts';

export interface ListTemplates extends PageRequest {
  /** Exactly this category. */
  readonly category?: string | undefined;
  /** Part of the name, the display name or the description, whatever its case. */
  readonly text?: string | undefined;
  /** Exactly this name: the versions of one template. */
  readonly name?: string | undefined;
  /** Whose they are: the caller's organization's, the system's, or other organizations' public ones. @default all */
  readonly owner?: Owner | undefined;
  readonly isPublic?: boolean | undefined;
}

/** A version of a template, without what it makes. */
export interface ListedTemplate {
  readonly templateId: string;
  readonly name: string;
  readonly version: string;
  readonly displayName: string;
  readonly description: string;
  readonly category: string;
  readonly isPublic: boolean;
  readonly isSystem: boolean;
  readonly owner: Owner;
  /** Null for what no user made, and for other organizations' templates. */
  readonly createdBy: string | null;
  readonly createdAt: Date | null;
}

const request = z.looseObject({
  ...page,
  category: text(50).optional(),
  text: text(200).optional(),
  name: label.optional(),
  owner: z.enum(['organization', 'system', 'other']).optional(),
  isPublic: z.boolean().optional(),
});

/**
 * The versions of templates that the organization may instantiate, newest first: its own, the system's and public ones.
 * @throws {PermissionDeniedError} without `pipeline.view`
 */
export async function listTemplates(
  platform: Platform,
  caller: Caller,
  asked: ListTemplates = {},
): Promise<Page<ListedTemplate>> {
  authorize(caller, 'pipeline.view');
  checkRequest(request, { subject: 'list of templates', value: asked });
  const rows = await inOrganization(platform.metadata, caller.orgId, (tx) =>
    listPipelineTemplates(tx, { ...asked, ownOnly: false }),
  );
  return { ...rows, items: rows.items.map((row) => toListedTemplate(row, caller)) };
}

/** A row as callers of this organization see it. */
export function toListedTemplate(row: PipelineTemplateHead, { orgId }: Caller): ListedTemplate {
  const owner = ownerOf(row, orgId);
  return {
    templateId: row.template_id,
    name: row.name,
    version: row.version,
    displayName: row.display_name,
    description: row.description ?? '',
    category: row.category,
    isPublic: row.is_public,
    isSystem: row.is_system,
    owner,
    createdBy: owner === 'organization' ? row.created_by : null,
    createdAt: row.created_at,
  };
}
