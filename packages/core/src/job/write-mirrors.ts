import { ConflictError, RowRefusedError } from '../errors.ts';
import type { OrgId } from '../ids.ts';
import { type JobMetaMirror, mirrorJobsMeta } from '../metadata/job-meta.repository.ts';
import { inOrganization, type MetadataDatabase } from '../metadata/metadata-database.ts';
import { findSqlState } from '../postgres/sqlstate.ts';
import type { MirroredJob } from '../results/mirrored-job.repository.ts';
import { toMirrors } from './to-mirrors.ts';

export interface WrittenMirrors {
  /** Jobs whose mirror moved; the others' showed this state or a later one. */
  readonly moved: ReadonlySet<string>;
  /** Jobs whose mirror the Metadata DB does not take, ever. */
  readonly refused: readonly RefusedMirror[];
}

export interface RefusedMirror {
  readonly jobId: string;
  readonly error: unknown;
}

/**
 * Brings the mirrors of one organization's jobs forward, in one transaction of one statement unless the Metadata DB refuses a row: then the halves
 * are tried by themselves, so that a row which cannot be written holds up no other. Throws what another try may mend.
 */
export async function writeMirrors(
  metadata: MetadataDatabase,
  { orgId, jobs }: { readonly orgId: OrgId; readonly jobs: readonly MirroredJob[] },
): Promise<WrittenMirrors> {
  return write(metadata, orgId, toMirrors(jobs));
}

async function write(
  metadata: MetadataDatabase,
  orgId: OrgId,
  mirrors: readonly JobMetaMirror[],
): Promise<WrittenMirrors> {
  const [first] = mirrors;
  if (!first) return { moved: new Set(), refused: [] };
  try {
    return { moved: await inOrganization(metadata, orgId, (tx) => mirrorJobsMeta(tx, mirrors)), refused: [] };
  } catch (error) {
    if (!isRefusal(error)) throw error;
    if (isUserUnknown(error) && mirrors.length === 1) {
      return write(metadata, orgId, [{ ...first, submitted_by: null }]);
    }
    if (mirrors.length === 1) return { moved: new Set(), refused: [{ jobId: first.job_id, error }] };
    const half = Math.ceil(mirrors.length / 2);
    const one = await write(metadata, orgId, mirrors.slice(0, half));
    const two = await write(metadata, orgId, mirrors.slice(half));
    return { moved: new Set([...one.moved, ...two.moved]), refused: [...one.refused, ...two.refused] };
  }
}

/** The user was deleted, or is one of a host that has identities of its own. */
const isUserUnknown = (error: unknown): boolean =>
  error instanceof RowRefusedError && error.constraint === 'jobs_meta_submitted_by_fkey';

/** True for what a row's own content brings about: a rule of the database, or a value that its column cannot hold (class 22). */
function isRefusal(error: unknown): boolean {
  return error instanceof RowRefusedError || error instanceof ConflictError || /^22/.test(findSqlState(error) ?? '');
}
