import { z } from 'zod';
import { authorize } from '../../access/authorize.ts';
import type { Caller } from '../../access/caller.ts';
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
  authorize(caller, 'pipeline.view');
  checkRequest(request, { subject: 'pipeline version', value: wanted });
  return getPublishedPipeline(platform.metadata, caller, wanted);
}
