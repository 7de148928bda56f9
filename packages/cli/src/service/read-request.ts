import { readFile } from 'node:fs/promises';
import { isJsonObject, type JsonObject, type JsonValue } from '@mad/core';
import { CommandUsageError } from '../errors.ts';

/** The JSON object in a file. @throws {CommandUsageError} */
export async function readRequest(file: string): Promise<JsonObject> {
  const refuse = (what: string) =>
    new CommandUsageError({
      option: '--request',
      expected: 'a file with one JSON object',
      got: `${JSON.stringify(file)}, which ${what}`,
    });
  const text = await readFile(file, 'utf8').catch(() => {
    throw refuse('cannot be read');
  });
  const value = parse(text);
  if (isJsonObject(value)) return value;
  throw refuse(value === undefined ? 'is no JSON' : 'holds something else');
}

function parse(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}
