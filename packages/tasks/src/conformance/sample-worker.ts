import { parentPort, workerData } from 'node:worker_threads';
import type { JsonSchema, JsonValue } from '@mad/core';
import { sample } from 'openapi-sampler';

/** Characters of JSON; nobody waits for more to be sent. */
const MAX_LENGTH = 1_000_000;

/** Two values made for a schema, with as little and as much in them as may be: what is left out can ask for nothing strange. */
function listSamples(schema: Exclude<JsonSchema, boolean>): readonly JsonValue[] {
  const samples = [true, false].map((skipNonRequired) => {
    const options = { skipReadOnly: true, quiet: true, skipNonRequired };
    return JSON.stringify(sample(schema as object, options, schema as object) ?? null);
  });
  return samples.filter(({ length }) => length <= MAX_LENGTH).map((text) => JSON.parse(text) as JsonValue);
}

parentPort?.postMessage(listSamples(workerData as Exclude<JsonSchema, boolean>));
