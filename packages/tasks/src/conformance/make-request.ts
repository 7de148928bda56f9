import { findByPointer, isJsonObject, type JsonObject, type JsonValue } from '@mad/core';
import { findUnstorable } from '../client/answer/find-unstorable.ts';
import { toMediaType } from '../openapi/api-operation.ts';
import { dereference } from '../openapi/dereference.ts';
import type { TaskUnderTest } from './inspection.ts';
import { sampleApart } from './sample-apart.ts';

/** A request that fits a task, its defaults filled in. */
export interface MadeRequest {
  readonly value: JsonObject;
  /** `sample`: made of the schema alone, so that the domain may have reasons to refuse it. */
  readonly origin: 'given' | 'example' | 'sample';
}

/** Why there is none. */
export interface NoRequest {
  readonly value: undefined;
  readonly reason: string;
}

/** The given request, else the document's example of one, else one made of its schema; what does not fit the schema is none. */
export async function makeRequest(
  task: TaskUnderTest,
  given: JsonObject | undefined,
): Promise<MadeRequest | NoRequest> {
  if (given) return fit(task, { value: given, origin: 'given' });
  const samples = (await sampleApart(task.interface.requestSchema)).filter(isJsonObject);
  const examples = listExamples(task).flatMap((example) => toRequests(task, { example, samples }));
  const candidates = [
    ...examples.map((value): MadeRequest => ({ value, origin: 'example' })),
    ...samples.map((value): MadeRequest => ({ value, origin: 'sample' })),
  ];
  let fault: NoRequest = { value: undefined, reason: 'none could be made of its schema' };
  for (const candidate of candidates) {
    const found = fit(task, candidate);
    if (found.value) return found;
    fault = found;
  }
  return fault;
}

function fit({ interface: task }: TaskUnderTest, { value, origin }: MadeRequest): MadeRequest | NoRequest {
  const filled = task.applyDefaults(value);
  const unstorable = findUnstorable(filled, { allowNul: true });
  const [issue] = unstorable ? [unstorable] : task.checkRequest(filled);
  if (!issue) return { value: filled, origin };
  const name = { given: 'the request given', example: "the document's example", sample: 'one made of its schema' }[
    origin
  ];
  return {
    value: undefined,
    reason: `${name} does not fit its schema (${issue.pointer || '(root)'} ${issue.message})`,
  };
}

/** Of the body that is sent: `example` and `examples` of its Media Type Object. */
function listExamples({ document, interface: { execute } }: TaskUnderTest): readonly JsonValue[] {
  const { operation, content } = execute;
  const body = dereference(document, findByPointer(document, `${operation.pointer}/requestBody`));
  const contents = isJsonObject(body?.content) ? Object.entries(body.content) : [];
  const media = contents.find(([name]) => toMediaType(name) === content?.mediaType)?.[1];
  if (!isJsonObject(media)) return [];
  const named = isJsonObject(media.examples) ? Object.values(media.examples) : [];
  const values = [media.example, ...named.map((example) => dereference(document, example)?.value)];
  return values.filter((value) => value !== undefined);
}

interface Example {
  readonly example: JsonValue;
  readonly samples: readonly JsonObject[];
}

/** An example is of the body; parameters come from the samples. */
function toRequests({ interface: { execute } }: TaskUnderTest, { example, samples }: Example): readonly JsonObject[] {
  if (!execute.isBodyOnly) return samples.map((sample) => ({ ...sample, body: example }));
  return isJsonObject(example) ? [example] : [];
}
