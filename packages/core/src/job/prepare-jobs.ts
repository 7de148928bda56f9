import type { Caller } from '../access/caller.ts';
import type { ArtifactReference } from '../artifacts/artifact-reference.ts';
import { isMadError, type MadError, ValidationFailedError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import type { Platform } from '../platform.ts';
import type { CompiledSchema } from '../schema/compile-schema.ts';
import { parseSubmitRequest, type SubmitJob, type SubmitRequest } from './parse-submit-request.ts';
import { findFiles, resolveInputs } from './resolve-inputs.ts';
import { getRunnablePipeline, type RunnablePipeline } from './runnable-pipelines.ts';

/** A job that its pipeline takes. */
export interface PreparedJob {
  /** Its place among the requests. */
  readonly index: number;
  readonly request: SubmitRequest;
  readonly pipeline: RunnablePipeline;
  /** Input key → its stored file. */
  readonly files: Readonly<Record<string, ArtifactReference>>;
  /** With the schema's defaults. */
  readonly parameters: JsonObject;
}

export interface PreparedJobs {
  readonly prepared: readonly PreparedJob[];
  /** Place of a request → why it cannot be a job. */
  readonly refused: ReadonlyMap<number, MadError>;
}

/**
 * Checks many requests against their pipelines, whatever their number with each distinct pipeline looked up once, its schemas compiled once, each
 * file asked for once. A request that cannot be a job is refused by itself; anything but an error of this library rejects.
 */
export async function prepareJobs(
  platform: Platform,
  caller: Caller,
  requests: readonly SubmitJob[],
): Promise<PreparedJobs> {
  const refused = new Map<number, MadError>();
  const parsed = requests.flatMap((request, index) =>
    keep(refused, index, () => ({ index, request: parseSubmitRequest(request) })),
  );
  const pipelines = await findPipelines(
    platform,
    caller,
    new Map(parsed.map(({ request }) => [keyOf(request), request])),
  );
  const fitted = parsed.flatMap(({ index, request }) =>
    keep(refused, index, () => {
      const pipeline = pipelines.get(keyOf(request));
      if (pipeline === undefined || isMadError(pipeline)) throw pipeline;
      const inputs = fit(pipeline.inputs, 'inputs', { ...request.inputs });
      const parameters = fit(pipeline.parameters, 'parameters', request.parameters ?? {});
      return { index, request, pipeline, inputs, parameters };
    }),
  );
  const uris = new Set(fitted.flatMap(({ inputs }) => Object.values(inputs)));
  const files = await findFiles(platform, { orgId: caller.orgId, uris });
  const prepared = fitted.flatMap(({ inputs, ...job }) =>
    keep(refused, job.index, () => ({
      ...job,
      files: resolveInputs(files, { inputs, schema: job.pipeline.spec.inputs }),
    })),
  );
  return { prepared, refused };
}

const keyOf = ({ pipeline, version }: SubmitRequest): string => JSON.stringify([pipeline, version]);

async function findPipelines(
  { metadata }: Platform,
  caller: Caller,
  wanted: ReadonlyMap<string, SubmitRequest>,
): Promise<ReadonlyMap<string, RunnablePipeline | MadError>> {
  const found = new Map<string, RunnablePipeline | MadError>();
  for (const [key, request] of wanted) {
    try {
      found.set(key, await getRunnablePipeline(metadata, caller, request));
    } catch (error) {
      if (!isMadError(error)) throw error;
      found.set(key, error);
    }
  }
  return found;
}

function fit<T extends JsonObject>(schema: CompiledSchema, subject: 'inputs' | 'parameters', value: T): T {
  const filled = schema.applyDefaults(value);
  const issues = schema.check(filled).map(({ pointer, message }) => ({ pointer: `/${subject}${pointer}`, message }));
  if (issues.length > 0) throw new ValidationFailedError({ subject: 'job', issues });
  return filled;
}

function keep<T>(refused: Map<number, MadError>, index: number, make: () => T): T[] {
  try {
    return [make()];
  } catch (error) {
    if (!isMadError(error)) throw error;
    refused.set(index, error);
    return [];
  }
}
