import { type Doubt, doubt, listOne, type Prover } from './doubt.ts';
import type { JsonSchema } from './json-schema.ts';
import { isSilent, kindsOfCase, listCases, type SchemaCase } from './schema-cases.ts';

/** True where a text is a file: it has a media type, or is binary. Between steps it travels as a reference to the file. */
export function isFileCase(one: SchemaCase): boolean {
  return one.parts.some((part) => typeof part.contentMediaType === 'string' || part.format === 'binary');
}

/**
 * A file reaches a file of its kind. Validators do not look at media types, so this is asked apart from the rest, and of the target as a whole: one of
 * the ways to satisfy it must be such a file.
 */
export function proveFile(one: SchemaCase, target: JsonSchema, { targetRoot, budget }: Prover): readonly Doubt[] {
  if (!kindsOfCase(one).has('string')) return [];
  const taking = listCases(targetRoot, [target], budget).filter((other) => kindsOfCase(other).has('string'));
  const wanted = taking.filter(isFileCase).map(mediaTypeOf);
  // Where no text is taken at all, the types tell.
  if (taking.length === 0 || (!isFileCase(one) && wanted.length < taking.length)) return [];
  if (!isFileCase(one)) {
    const isAny = wanted.some((type) => type === ANY || type === undefined);
    return isAny ? [] : [doubt(one, { target, message: `text comes, a file of ${wanted.join(' or ')} is taken` })];
  }
  const given = mediaTypeOf(one);
  const comes = given === undefined ? 'a file' : `a file of ${given}`;
  const witnesses = () => listOne(one, budget);
  // Held against values at run time it is an object, which may be taken where nothing asks for a text.
  const open = taking.filter((other) => !isFileCase(other) && kindsOfCase(other).has('object'));
  if (open.some(isSilent)) return [];
  if (wanted.length === 0 && open.length === 0)
    return [doubt(one, { target, message: `${comes} comes, text is taken`, witnesses, isCertain: true })];
  const answers = [...wanted.map((type) => isMedia(given, type)), ...open.map(() => undefined)];
  if (answers.includes(true)) return [];
  const message = `${comes} comes, ${wanted.map((type) => type ?? 'any').join(' or ')} is taken`;
  return [doubt(one, { target, message, witnesses, isCertain: !answers.includes(undefined) })];
}

/** Says of bytes only that they are bytes. */
const ANY = 'application/octet-stream';

function mediaTypeOf({ parts }: SchemaCase): string | undefined {
  const found = parts.find(({ contentMediaType }) => typeof contentMediaType === 'string')?.contentMediaType;
  return typeof found === 'string' ? found.toLowerCase().replaceAll(' ', '') : undefined;
}

function isMedia(given: string | undefined, wanted: string | undefined): boolean | undefined {
  if (wanted === undefined || wanted === ANY || wanted === '*/*' || given === wanted) return true;
  if (given === undefined || given === ANY) return undefined;
  const [type] = given.split(';');
  if (wanted.endsWith('/*') && type?.startsWith(wanted.slice(0, -1))) return true;
  // Of one type, with other parameters.
  return type === wanted.split(';')[0] ? undefined : false;
}
