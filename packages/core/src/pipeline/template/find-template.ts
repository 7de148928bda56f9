import semver from 'semver';
import { NotFoundError } from '../../errors.ts';
import { isUuid, SYSTEM_ORG_ID } from '../../ids.ts';
import { highestRelease } from '../../metadata/highest-release.ts';
import { type OrganizationTransaction, organizationOf } from '../../metadata/metadata-database.ts';
import {
  findPipelineTemplate,
  getPipelineTemplate,
  listPipelineTemplateVersions,
} from '../../metadata/pipeline-template.repository.ts';
import type { PipelineTemplateRow } from '../../metadata/tables/pipeline-template.table.ts';

const entity = 'pipeline template';

/** How a template is named in a request. */
export interface WantedTemplate {
  /** Name of a template of the organization or of the system, or the id of any version the organization sees. */
  readonly template: string;
  /** @default by name: the highest that is no prerelease; by id: that one */
  readonly version?: string | undefined;
}

/** The version of a template; by name the organization's own before the system's. @throws {NotFoundError} naming the versions there are. */
export async function getTemplateRow(
  tx: OrganizationTransaction,
  { template, version }: WantedTemplate,
): Promise<PipelineTemplateRow> {
  const hint = 'list those there are with listTemplates; public ones of other organizations are found by id';
  if (!isUuid(template)) return getByName(tx, { name: template, version, owners: [organizationOf(tx), SYSTEM_ORG_ID] });
  const row = await findPipelineTemplate(tx, { templateId: template });
  if (!row) throw new NotFoundError({ entity, id: template, hint });
  if (version === undefined || version === row.version) return row;
  return getByName(tx, { name: row.name, version, owners: [row.org_id] });
}

interface ByName {
  readonly name: string;
  readonly version: string | undefined;
  readonly owners: readonly string[];
}

async function getByName(tx: OrganizationTransaction, { name, version, owners }: ByName): Promise<PipelineTemplateRow> {
  const known: string[] = [];
  for (const orgId of new Set(owners)) {
    const rows = await listPipelineTemplateVersions(tx, { name, orgId });
    const wanted = version ?? highestRelease(rows.map((row) => row.version));
    const found = rows.find((row) => row.version === wanted);
    if (found) return getPipelineTemplate(tx, { templateId: found.template_id });
    known.push(...rows.map((row) => row.version));
  }
  const hint =
    known.length > 0
      ? `versions that exist: ${known.sort(compareLoosely).slice(0, 20).join(', ')}`
      : 'list those there are with listTemplates; public ones of other organizations are found by id';
  throw new NotFoundError({ entity, id: version === undefined ? name : `${name}@${version}`, hint });
}

// Rows that are older than this library may carry what is no semver.
const compareLoosely = (a: string, b: string): number =>
  semver.valid(a) && semver.valid(b) ? semver.compareBuild(b, a) : 0;
