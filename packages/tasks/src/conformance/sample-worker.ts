import { parentPort, workerData } from 'node:worker_threads';
import type { JsonSchema, JsonValue } from '@mad/core';
import { sample } from 'openapi-sampler';

/** Characters of JSON; nobody waits for more to be sent. */
const MAX_LENGTH = 1_000_000;

const schema = workerData as Exclude<JsonSchema, boolean>;

/** What is left out can ask for nothing strange: the value with as little in it as may be comes first. */
const samples = [true, false].map((skipNonRequired) => {
  const options = { skipReadOnly: true, quiet: true, skipNonRequired };
  return JSON.stringify(sample(schema as object, options, schema as object) ?? null);
});
parentPort?.postMessage(
  samples.filter(({ length }) => length <= MAX_LENGTH).map((text) => JSON.parse(text) as JsonValue),
);
