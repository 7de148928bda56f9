import type { CacheIdentity, Determinism, JsonObject, TaskIdentity } from '@mad/core';
import { canonicalJson } from './canonical-json.ts';
import type { Folding } from './canonical-writer.ts';
import { digest } from './digest.ts';
import { EXACTLY, type SignedContent, signedText } from './input-signature.ts';

/** Raised whenever the components below change, so that no old entry can answer a new question. */
const KEY_VERSION = 3;

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
 * The cache key of a step: SHA-256 over the RFC 8785 JSON of `{version: 3, kind: 'step', task: {taskKey, version, interfaceDigest, producer,
 * architecture, determinism}, salt, inputSignature}`, where the signed parameters are the request and every byte of a file counts.
 *
 * `keyComponents` holds the same facts with what was signed, `inputs` and `parameters`, in place of its digest. Beside them, and in no key, stand
 * `determinism`, and `exactDigests` where files were normalized: the digest that stands in `parameters` → that of the file itself.
 * @throws {NotPlainJsonError}
 */
export function stepKey(step: StepContent, folding: Folding = EXACTLY): CacheIdentity {
  const { task, request, salt } = step;
  const { ignoredPointers, contentTypes, determinism } = task;
  const what = { version: KEY_VERSION, kind: 'step', task: taskComponents(task), salt };
  return identify(
    { what, content: { inputs: {}, parameters: request, ignoredPointers, contentTypes }, determinism },
    folding,
  );
}

/**
 * The cache key of a whole job: SHA-256 over the RFC 8785 JSON of `{version: 3, kind: 'job', spec, tasks, salt, inputSignature}`: `spec` is the
 * digest of the version's canonical spec. The pipeline's name and version label are not in it: the same steps asked the same are the same job.
 * `keyComponents` as of a step; `determinism` is that of the weakest task.
 * @throws {NotPlainJsonError}
 */
export function jobKey(
  { spec, tasks, inputs, parameters, salt }: JobContent,
  folding: Folding = EXACTLY,
): CacheIdentity {
  const what = {
    version: KEY_VERSION,
    kind: 'job',
    spec: digest(canonicalJson(spec)),
    tasks: tasks.map(taskComponents),
    salt,
  };
  return identify({ what, content: { inputs, parameters }, determinism: weakestDeterminism(tasks) }, folding);
}

interface Identified {
  readonly what: JsonObject;
  readonly content: SignedContent;
  readonly determinism: Determinism;
}

function identify({ what, content, determinism }: Identified, folding: Folding): CacheIdentity {
  const signed = signedText(content, folding);
  const inputSignature = digest(signed);
  let keyComponents: JsonObject | undefined;
  const componentsOf = (): JsonObject => {
    const { version: _, ...contents } = JSON.parse(signed) as JsonObject;
    const { exactDigests = {} } = folding;
    return { ...what, determinism, ...(Object.keys(exactDigests).length > 0 ? { exactDigests } : {}), ...contents };
  };
  return {
    inputSignature,
    cacheKey: digest(canonicalJson({ ...what, inputSignature })),
    // Read back from the text that was signed, and only where somebody asks: most keys are looked up and forgotten.
    get keyComponents() {
      keyComponents ??= componentsOf();
      return keyComponents;
    },
  };
}

// The version is in it beside the producer: a definition's environment can change the answer of one and the same image.
function taskComponents({
  taskKey,
  version,
  interfaceDigest,
  producer,
  architecture,
  determinism,
}: TaskIdentity): JsonObject {
  return { taskKey, version, interfaceDigest, producer, architecture, determinism };
}

const FROM_WEAKEST: readonly Determinism[] = ['external', 'stochastic', 'seeded', 'exact'];

function weakestDeterminism(tasks: readonly TaskIdentity[]): Determinism {
  return FROM_WEAKEST.find((determinism) => tasks.some((task) => task.determinism === determinism)) ?? 'exact';
}
