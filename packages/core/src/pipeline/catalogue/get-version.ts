import { z } from 'zod';
import { type Caller, requirePermission } from '../../job/caller.ts';
import type { Platform } from '../../platform.ts';
import { getPublishedPipeline, type PublishedPipeline } from '../published-pipeline.ts';
import { checkRequest, label } from './check-request.ts';

export interface GetVersion {
  /** Name of a pipeline of the organization or of the system, or the id of any the caller sees. */
  readonly pipeline: string;
  /** @default the pipeline's latest version */
  readonly version?: string | undefined;
}

const request = z.looseObject({ pipeline: label, version: label.optional() });

/**
 * A published version with its spec, deprecated ones where they are named.
 * @throws {PermissionDeniedError} without `pipeline.view`
 * @throws {NotFoundError} naming the versions there are
 */
export async function getVersion(platform: Platform, caller: Caller, wanted: GetVersion): Promise<PublishedPipeline> {
  requirePermission(caller, 'pipeline.view');
  checkRequest(request, { subject: 'pipeline version', value: wanted });
  return getPublishedPipeline(platform.metadata, caller, wanted);
}
