import { isArtifactReference } from '../artifacts/artifact-reference.ts';
import { formatArtifactUri, parseArtifactUri } from '../artifacts/artifact-uri.ts';
import { TaskFailedError } from '../errors.ts';
import type { OrgId } from '../ids.ts';
import type { JobFailure } from '../job/job-failure.ts';
import { parsePoses, toDockingResult } from '../job/pose.ts';
import type { JsonObject } from '../json.ts';
import { type BindingScope, findBound } from '../pipeline/bindings.ts';
import type { PublishedSpec } from '../pipeline/pipeline-spec.ts';
import { findSourceStep } from '../pipeline/step-graph.ts';
import type { JobToRun } from '../results/job-to-run.ts';
import type { JobClose } from '../results/job-transition.ts';

/** What a completed job leaves besides its steps' results: its files, its poses, and their number and best affinity in kcal/mol. @throws {TaskFailedError} */
export function toCompletedClose(
  { orgId, spec }: { readonly orgId: OrgId; readonly spec: PublishedSpec },
  scope: BindingScope,
): JobClose {
  const outputs = Object.entries(spec.outputs).flatMap(([key, binding]) => {
    const file = findBound(scope, binding);
    if (file === undefined) return [];
    if (
      !isArtifactReference(file) ||
      !Number.isSafeInteger(file.sizeBytes) ||
      file.sizeBytes < 0 ||
      typeof file.contentType !== 'string'
    ) {
      throw new TaskFailedError({
        failureCode: 'CONTRACT_VIOLATION',
        message: `output ${key} is no stored file; mend the task whose answer it is, or the pipeline's outputs`,
        retryable: false,
      });
    }
    const uri = formatArtifactUri({ orgId, digest: file.$artifact });
    return [{ key, uri, content_type: file.contentType, size_bytes: file.sizeBytes, checksum: file.$artifact }];
  });
  const poses =
    spec.docking && hasRun(scope, spec.docking.poses.from) ? parsePoses(findBound(scope, spec.docking.poses)) : [];
  const metrics = spec.docking ? { pose_count: poses.length, best_affinity: poses[0]?.affinity ?? null } : {};
  return { status: 'COMPLETED', error: null, metrics, outputs, poses: poses.map(toDockingResult) };
}

/** False where the docking step was skipped: then there are no poses to expect. */
function hasRun(scope: BindingScope, from: string): boolean {
  const step = findSourceStep(from);
  return step === undefined || Object.hasOwn(scope.steps, step);
}

/** The end of a job that leaves nothing but why. */
export function toEmptyClose(status: 'FAILED' | 'CANCELED', error: JobFailure | null): JobClose {
  return { status, error, metrics: {}, outputs: [], poses: [] };
}

/** The job's inputs as bindings read them: input key → artifact reference. */
export function toInputs({ inputs }: Pick<JobToRun, 'inputs'>): JsonObject {
  const files = inputs.map(({ key, uri, content_type, size_bytes }) => ({
    key,
    file: {
      $artifact: parseArtifactUri(uri)?.digest ?? '',
      contentType: content_type ?? 'application/octet-stream',
      sizeBytes: Number(size_bytes ?? 0),
    },
  }));
  return Object.fromEntries(files.map(({ key, file }) => [key, file]));
}
