import {
  findByPointer,
  isJsonObject,
  type JsonObject,
  type JsonSchema,
  type JsonValue,
  type MissingSeed,
} from '@mad/core';
import { TaskDocumentInvalidError, TaskDocumentRefusedError } from '../errors.ts';
import { listSubschemas } from './subschemas.ts';

const MAX_DEPTH = 16;
const MAX_VISITS = 10_000;
/** Of what services take as a seed, most take no more than 31 bits. */
const MAX_SEED = 2 ** 31 - 1;
const SMILES = 'chemical/x-daylight-smiles';

/** What the schema of a request says of its cache keys. Places are JSON Pointers, `-` standing for any index of an array. */
export interface CacheMarks {
  /** `x-mad-cache: ignore`. */
  readonly ignoredPointers: readonly string[];
  /** `x-mad-cache: seed`, with the bounds of its schema. */
  readonly seed: MissingSeed | undefined;
  /** `contentMediaType`, and `x-mad-normalize: smiles`. */
  readonly contentTypes: Readonly<Record<string, string>>;
}

/**
 * Marks in alternatives have no fixed place and are passed over, as are those of a schema inside itself and of arrays whose first items have schemas of
 * their own, which costs a cache hit and never a right answer.
 * @throws {TaskDocumentInvalidError} when a mark means nothing here, or two places are the seed.
 * @throws {TaskDocumentRefusedError} when properties multiply from level to level.
 */
export function readCacheMarks(root: JsonSchema): CacheMarks {
  const ignored = new Set<string>();
  const contentTypes: Record<string, string> = {};
  let seed: MissingSeed | undefined;
  refuseUnknownMarks(root, ['ignore', 'seed']);
  // Most documents mark nothing, however their schemas refer to each other.
  if (!/"x-mad-cache"|"x-mad-normalize"|"contentMediaType"/.test(JSON.stringify(root)))
    return { ignoredPointers: [], seed, contentTypes };
  visitProperties(root, (schema, pointer) => {
    if (schema['x-mad-cache'] === 'ignore') {
      ignored.add(pointer);
      return false;
    }
    if (schema['x-mad-cache'] === 'seed') {
      if (seed && seed.pointer !== pointer) throw invalid(`${seed.pointer} and ${pointer} are both marked as the seed`);
      seed = readSeed(schema, pointer);
    }
    const type = contentTypeOf(schema);
    if (type !== undefined) contentTypes[pointer] = type;
    return true;
  });
  return { ignoredPointers: [...ignored].sort(), seed, contentTypes };
}

/** The places of an answer marked `x-mad-cache: ignore`. @throws as `readCacheMarks` */
export function readAnswerMarks(root: JsonSchema): readonly string[] {
  const ignored = new Set<string>();
  refuseUnknownMarks(root, ['ignore']);
  if (!JSON.stringify(root).includes('"x-mad-cache"')) return [];
  visitProperties(root, (schema, pointer) => {
    if (schema['x-mad-cache'] !== 'ignore') return true;
    ignored.add(pointer);
    return false;
  });
  return [...ignored].sort();
}

/** Calls `visit` with every schema of a fixed place below the root; what it answers with false is not looked into. */
function visitProperties(root: JsonSchema, visit: (schema: JsonObject, pointer: string) => boolean): void {
  const open = new Set<string>();
  let visits = 0;
  function walk(schema: JsonValue | undefined, at: { pointer: string; depth: number }): void {
    if (!isJsonObject(schema) || at.depth > MAX_DEPTH) return;
    if (++visits > MAX_VISITS)
      throw new TaskDocumentRefusedError({
        pointer: '',
        reason: `its request or answer has more than ${MAX_VISITS} places for properties`,
        hint: 'let fewer schemas refer to each other',
      });
    if (at.pointer !== '' && !visit(schema, at.pointer)) return;
    const depth = at.depth + 1;
    if (Array.isArray(schema.allOf))
      for (const part of schema.allOf as readonly JsonValue[]) walk(part, { pointer: at.pointer, depth });
    for (const [name, property] of Object.entries(isJsonObject(schema.properties) ? schema.properties : {})) {
      const token = name.replaceAll('~', '~0').replaceAll('/', '~1');
      walk(property, { pointer: `${at.pointer}/${token}`, depth });
    }
    if (schema.prefixItems === undefined) walk(schema.items, { pointer: `${at.pointer}/-`, depth });
    const { $ref } = schema;
    if (typeof $ref !== 'string' || !isJsonObject(root) || open.has($ref)) return;
    open.add($ref);
    walk(findByPointer(root, $ref.slice(1)), { pointer: at.pointer, depth });
    open.delete($ref);
  }
  walk(root, { pointer: '', depth: 0 });
}

/** Text alone: base64 is not what it stands for, and an address is not what it leads to. */
function contentTypeOf(schema: JsonObject): string | undefined {
  if (schema['x-mad-normalize'] === 'smiles') return SMILES;
  const { contentMediaType, contentEncoding, format } = schema;
  if (contentEncoding !== undefined || (typeof format === 'string' && format.startsWith('uri'))) return undefined;
  return typeof contentMediaType === 'string' ? contentMediaType : undefined;
}

function readSeed(schema: JsonObject, pointer: string): MissingSeed {
  const types = Array.isArray(schema.type) ? schema.type : [schema.type];
  if (
    !types.includes('integer') ||
    schema.enum !== undefined ||
    schema.const !== undefined ||
    schema.multipleOf !== undefined
  )
    throw invalid(`the seed ${pointer} is to be of type integer, without enum, const or multipleOf`);
  const at = (key: string, by: number): number | undefined => {
    const bound = schema[key];
    return typeof bound === 'number' ? bound + by : undefined;
  };
  const lows = [at('minimum', 0), at('exclusiveMinimum', 1)].filter((bound) => bound !== undefined);
  const highs = [at('maximum', 0), at('exclusiveMaximum', -1)].filter((bound) => bound !== undefined);
  const high = highs.length > 0 ? Math.floor(Math.min(...highs)) : undefined;
  const minimum = lows.length > 0 ? Math.ceil(Math.max(...lows)) : Math.min(0, high ?? 0);
  const maximum = high ?? Math.max(MAX_SEED, minimum);
  if (minimum > maximum || !Number.isSafeInteger(minimum) || !Number.isSafeInteger(maximum))
    throw invalid(`the seed ${pointer} has no whole number between its bounds`);
  return { pointer, minimum, maximum };
}

/** Everywhere, also where a mark has no fixed place: a word that is misspelled would cost hits in silence. */
function refuseUnknownMarks(root: JsonSchema, words: readonly string[]): void {
  const refuse = (schema: JsonSchema): void => {
    if (typeof schema === 'boolean') return;
    const { 'x-mad-cache': mark = 'ignore', 'x-mad-normalize': form = 'smiles' } = schema;
    if (typeof mark !== 'string' || !words.includes(mark))
      throw invalid(`x-mad-cache: expected ${words.join(' or ')}, got ${JSON.stringify(mark).slice(0, 100)}`);
    if (form !== 'smiles') throw invalid(`x-mad-normalize: expected smiles, got ${JSON.stringify(form).slice(0, 100)}`);
    listSubschemas(schema).forEach(refuse);
  };
  refuse(root);
}

const invalid = (reason: string): TaskDocumentInvalidError => new TaskDocumentInvalidError({ pointer: '', reason });
