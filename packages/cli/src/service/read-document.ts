import { readFile } from 'node:fs/promises';
import { CommandUsageError } from '../errors.ts';

/** The text of a file; a URL stays one. @throws {CommandUsageError} */
export async function readDocument(place: string): Promise<string> {
  if (/^https?:\/\//i.test(place)) return place;
  return readFile(place, 'utf8').catch(() => {
    throw new CommandUsageError({
      option: '--document',
      expected: 'a file or the URL of an OpenAPI document',
      got: `${JSON.stringify(place)}, which cannot be read`,
    });
  });
}
