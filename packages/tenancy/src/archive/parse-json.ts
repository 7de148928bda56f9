import { ArchiveRefusedError } from '../errors.ts';

/** More values than this make a short text fill the memory. */
const MAX_VALUES = 4_000_000;

/** @throws {ArchiveRefusedError} when the text is not JSON, or holds more than 4,000,000 values. */
export function parseJson(name: string, text: string): unknown {
  if (text.length > MAX_VALUES && countValues(text) > MAX_VALUES)
    throw new ArchiveRefusedError({ at: name, reason: `it holds more than ${MAX_VALUES} values` });
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ArchiveRefusedError({ at: name, reason: 'it is not JSON', cause });
  }
}

/** At least as many as there are, told by what stands before each of them outside of strings. */
function countValues(text: string): number {
  let values = 1;
  let isText = false;
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (character === '"') isText = !isText;
    else if (isText) {
      if (character === '\\') index++;
    } else if (character === ',' || character === '[' || character === '{') values++;
  }
  return values;
}
