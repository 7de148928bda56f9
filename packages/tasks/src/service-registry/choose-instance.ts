import type { Instance } from './instance.ts';

/** The one with the least to do for what it can do, by chance where several are: many runners do not all go to the first. */
export function chooseInstance(instances: readonly Instance[]): Instance | undefined {
  const least = Math.min(...instances.map(relativeLoad));
  const candidates = instances.filter((instance) => relativeLoad(instance) === least);
  return candidates[Math.floor(Math.random() * candidates.length)];
}

/** One that never told its capacity is taken to work on one call at a time. */
const relativeLoad = ({ load, capacity = 1 }: Instance): number => load / capacity;
