import type { Condition } from '../condition.ts';

/** True where the condition holds only if something is at the place: it asks for the place itself, or for something further in. */
export function isKnownToBe(when: Condition | undefined, from: string): boolean {
  if (when === undefined) return false;
  if ('all' in when) return when.all.some((inner) => isKnownToBe(inner, from));
  if ('any' in when) return when.any.every((inner) => isKnownToBe(inner, from));
  if ('not' in when) return 'exists' in when.not && !when.not.exists && isAtOrIn(when.not.from, from);
  return ('exists' in when ? when.exists : true) && isAtOrIn(when.from, from);
}

const isAtOrIn = (pointer: string, place: string): boolean => pointer === place || pointer.startsWith(`${place}/`);
