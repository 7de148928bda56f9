import type { CacheIdentity, Determinism, JsonObject, TaskIdentity } from '@mad/core';
import { canonicalJson } from './canonical-json.ts';
import { digest } from './digest.ts';
import { inputSignature, signedForm } from './input-signature.ts';

/** Raised whenever the components below change, so that no old entry can answer a new question. */
const KEY_VERSION = 1;

/** Changes every key of a cache, which abandons all its entries at once. */
export interface KeySalt {
  /** @default none */
  readonly salt?: string | undefined;
}

/** One call of a task. `request` carries the interface's defaults and artifact references in place of files. */
export interface StepContent extends KeySalt {
  readonly task: TaskIdentity;
  readonly request: JsonObject;
}

/** One run of a pipeline version. `tasks` in the order of its steps; `spec` is the frozen version without row ids. */
export interface JobContent extends KeySalt {
  readonly spec: JsonObject;
  readonly tasks: readonly TaskIdentity[];
  readonly inputs: JsonObject;
  readonly parameters: JsonObject;
}

/**
 * The cache key of a step: SHA-256 over the RFC 8785 JSON of `{version: 1, kind: 'step', task: {taskKey, version, interfaceDigest, producer,
 * determinism}, salt, inputSignature}`, where the signed parameters are the request. `keyComponents` holds the same facts, with the signed
 * request in place of its digest.
 * @throws {NotPlainJsonError}
 */
export function stepKey({ task, request, salt }: StepContent): CacheIdentity {
  const content = { inputs: {}, parameters: request, ignoredPointers: task.ignoredPointers };
  const what = { version: KEY_VERSION, kind: 'step', determinism: task.determinism, task: taskComponents(task), salt };
  return identity(what, content);
}

/**
 * The cache key of a whole job: SHA-256 over the RFC 8785 JSON of `{version: 1, kind: 'job', determinism, spec, tasks, salt, inputSignature}`:
 * `spec` is the digest of the version's canonical spec, `determinism` the weakest of its tasks. The pipeline's name and version label are not
 * in it: the same steps asked the same are the same job.
 * @throws {NotPlainJsonError}
 */
export function jobKey({ spec, tasks, inputs, parameters, salt }: JobContent): CacheIdentity {
  const what = {
    version: KEY_VERSION,
    kind: 'job',
    determinism: weakestDeterminism(tasks),
    spec: digest(canonicalJson(spec)),
    tasks: tasks.map(taskComponents),
    salt,
  };
  return identity(what, { inputs, parameters });
}

function identity(what: JsonObject, content: Parameters<typeof inputSignature>[0]): CacheIdentity {
  const signature = inputSignature(content);
  return {
    inputSignature: signature,
    cacheKey: digest(canonicalJson({ ...what, inputSignature: signature })),
    keyComponents: { ...what, ...signedForm(content) },
  };
}

// The version is in it beside the producer: a definition's environment can change the answer of one and the same image.
function taskComponents({ taskKey, version, interfaceDigest, producer, determinism }: TaskIdentity): JsonObject {
  return { taskKey, version, interfaceDigest, producer, determinism };
}

const FROM_WEAKEST: readonly Determinism[] = ['external', 'stochastic', 'seeded', 'exact'];

function weakestDeterminism(tasks: readonly TaskIdentity[]): Determinism {
  return FROM_WEAKEST.find((determinism) => tasks.some((task) => task.determinism === determinism)) ?? 'exact';
}
