import { parsePointer } from '@mad/core';

/** What of a request is signed otherwise than as it stands: JSON Pointers, in which `-` is any index of an array. */
export interface SignedOtherwise {
  /** Left out; of an item of an array only that it is there counts. @default none */
  readonly ignoredPointers?: readonly string[] | undefined;
  /** Compared by what the text means: JSON Pointer → content type. @default none */
  readonly contentTypes?: Readonly<Record<string, string>> | undefined;
}

/** A place in a request, and what is said of those below it. */
export class Place {
  readonly below = new Map<string, Place>();
  isIgnored = false;
  contentType: string | undefined;

  /** An index of its own goes before `-`. */
  item(index: number): Place | undefined {
    if (this.below.size === 0) return undefined;
    return this.below.get(String(index)) ?? this.below.get('-');
  }
}

/** Pointers as a tree; undefined where nothing is said. */
export function readPlaces({ ignoredPointers = [], contentTypes = {} }: SignedOtherwise): Place | undefined {
  const types = Object.entries(contentTypes);
  if (ignoredPointers.length === 0 && types.length === 0) return undefined;
  const root = new Place();
  for (const [pointer, contentType] of types) open(root, pointer).contentType = contentType;
  for (const pointer of ignoredPointers) open(root, pointer).isIgnored = true;
  return root;
}

function open(root: Place, pointer: string): Place {
  let place = root;
  for (const token of parsePointer(pointer)) {
    const next: Place = place.below.get(token) ?? new Place();
    place.below.set(token, next);
    place = next;
  }
  return place;
}
