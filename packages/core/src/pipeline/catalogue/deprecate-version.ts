import { z } from 'zod';
import { authorize } from '../../access/authorize.ts';
import type { Caller } from '../../access/caller.ts';
import { recordAudit } from '../../audit/record-audit.ts';
import { NotFoundError } from '../../errors.ts';
import { inOrganization } from '../../metadata/metadata-database.ts';
import { getPipeline } from '../../metadata/pipeline.repository.ts';
import { deprecatePipelineVersion, findPipelineVersionByText } from '../../metadata/pipeline-version.repository.ts';
import type { Platform } from '../../platform.ts';
import { forgetHeads } from '../known-heads.ts';
import { checkRequest, label } from './check-request.ts';
import { getOwnPipeline } from './own-pipeline.ts';

export interface DeprecateVersion {
  /** Name or id of a pipeline of the caller's organization. */
  readonly pipeline: string;
  readonly version: string;
}

export interface DeprecatedVersion {
  readonly pipelineId: string;
  readonly pipelineVersionId: string;
  /** When it was deprecated the first time. */
  readonly deprecatedAt: Date;
  /** What runs from now on where no version is named; null: nothing does. */
  readonly latestVersion: string | null;
}

const request = z.looseObject({ pipeline: label, version: label });

/**
 * Takes a published version out of recommendation, for good: it still runs where it is named, and is never the default. Doing it twice is doing
 * it once.
 * @throws {PermissionDeniedError} without `pipeline.update`, or `pipeline.update:own` for a pipeline that the caller made
 * @throws {NotFoundError}
 */
export async function deprecateVersion(
  platform: Platform,
  caller: Caller,
  asked: DeprecateVersion,
): Promise<DeprecatedVersion> {
  checkRequest(request, { subject: 'pipeline version', value: asked });
  const done = await inOrganization(platform.metadata, caller.orgId, async (tx) => {
    const { pipeline_id: pipelineId, name, created_by: ownerId } = await getOwnPipeline(tx, caller, asked);
    authorize(caller, 'pipeline.update', { ownerId });
    const found = await findPipelineVersionByText(tx, { pipelineId, version: asked.version });
    if (!found?.published) {
      const hint = found ? 'it is a draft: delete it instead' : 'see which there are with listVersions';
      throw new NotFoundError({ entity: 'pipeline version', id: `${name}@${asked.version}`, hint });
    }
    const { pipeline_version_id: pipelineVersionId } = found;
    const { deprecated_at } = await deprecatePipelineVersion(tx, { pipelineVersionId });
    const { latest_version: latestVersion } = await getPipeline(tx, { pipelineId });
    if (found.deprecated_at === null) {
      await recordAudit(tx, caller, {
        action: 'pipeline.deprecate',
        entityType: 'pipeline_version',
        entityId: pipelineVersionId,
        facts: { pipeline_id: pipelineId, name, version: asked.version },
      });
    }
    return { pipelineId, pipelineVersionId, deprecatedAt: deprecated_at ?? new Date(), latestVersion };
  });
  forgetHeads(platform.metadata);
  return done;
}
