import { NotFoundError } from '../../errors.ts';
import type { JsonObject } from '../../json.ts';
import type { OrganizationTransaction } from '../../metadata/metadata-database.ts';
import { organizationOf } from '../../metadata/metadata-database.ts';
import type { PipelineTemplateRow } from '../../metadata/tables/pipeline-template.table.ts';
import { getTemplateRow, type WantedTemplate } from './find-template.ts';

/** How a version of a template is shown and to whom, as the audit trail compares it. */
export function shownOf({
  name,
  version,
  display_name,
  category,
  description,
  is_public,
}: PipelineTemplateRow): JsonObject {
  return { name, version, display_name, category, description, is_public };
}

/** The version of a template to change: one of the caller's organization. @throws {NotFoundError} */
export async function getOwnTemplateRow(
  tx: OrganizationTransaction,
  wanted: WantedTemplate,
): Promise<PipelineTemplateRow> {
  const row = await getTemplateRow(tx, wanted);
  if (row.org_id === organizationOf(tx)) return row;
  const hint = 'only the organization that made a template can change it';
  throw new NotFoundError({ entity: 'pipeline template', id: wanted.template, hint });
}
