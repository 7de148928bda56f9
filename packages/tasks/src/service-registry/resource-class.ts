import { findByPointer, isJsonObject, type JsonObject, type JsonValue } from '@mad/core';

const PLACES = ['/resources', '/resources/requests', '/resources/limits'];

/** What instances of a task need of their machine: `gpu` where its `service_config.resources` ask for one, such as `{ gpu: 1 }` or `{ 'nvidia.com/gpu': '1' }`. */
export function readResourceClass(serviceConfig: JsonObject): 'gpu' | undefined {
  const asked = PLACES.map((place) => findByPointer(serviceConfig, place)).filter(isJsonObject);
  const asksForGpu = asked.some((resources) =>
    Object.entries(resources).some(([name, amount]) => /^(?:[\w.-]+\/)?gpus?$/i.test(name) && isSome(amount)),
  );
  return asksForGpu ? 'gpu' : undefined;
}

function isSome(amount: JsonValue | undefined): boolean {
  if (typeof amount === 'string') return amount.trim() !== '' && Number.parseFloat(amount) !== 0;
  return amount === true || (typeof amount === 'number' && amount > 0);
}
