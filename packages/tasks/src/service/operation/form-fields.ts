import { findByPointer, isJsonObject, type JsonObject, type JsonValue } from '@mad/core';
import { dereference } from '../../openapi/dereference.ts';
import { isFileSchema } from '../../openapi/file-places.ts';

/** How a field of a form becomes a property of the request. */
export interface FormField {
  /** `text` is taken as it is, `base64` is bytes to be written so, `json` is parsed. */
  readonly kind: 'text' | 'base64' | 'json';
  /** Every part of this name is one item. */
  readonly isList: boolean;
}

/** The fields of a form for the schema `Request` of a document, by name; undefined when none of them is a file. */
export function readFormFields(document: JsonObject): ReadonlyMap<string, FormField> | undefined {
  const properties = findByPointer(document, '/components/schemas/Request/properties');
  const entries = Object.entries(isJsonObject(properties) ? properties : {}).map(([name, schema]) => {
    const meant = listMeant(document, schema);
    const lists = meant.filter((schema) => typesOf(schema).includes('array'));
    const items = lists.flatMap((list) => listMeant(document, list.items));
    return { name, isList: lists.length > 0, schemas: lists.length > 0 ? items : meant };
  });
  if (!entries.some(({ schemas }) => schemas.some(isFileSchema))) return undefined;
  return new Map(entries.map(({ name, isList, schemas }) => [name, { isList, kind: kindOf(schemas) }]));
}

/** The schema itself, or its alternatives, such as those of what may be null. */
function listMeant(document: JsonObject, value: JsonValue | undefined): readonly JsonObject[] {
  const schema = dereference(document, value);
  if (!schema) return [];
  const { anyOf, oneOf } = schema;
  const alternatives = [anyOf, oneOf].flatMap((list) => (Array.isArray(list) ? (list as readonly JsonValue[]) : []));
  if (alternatives.length === 0) return [schema];
  return alternatives.map((one) => dereference(document, one)).filter((one) => one !== undefined);
}

function kindOf(schemas: readonly JsonObject[]): FormField['kind'] {
  const file = schemas.find(isFileSchema);
  if (file) return file.contentEncoding === 'base64' ? 'base64' : 'text';
  const types = schemas.flatMap(typesOf).filter((type) => type !== 'null');
  return types.length > 0 && types.every((type) => type === 'string') ? 'text' : 'json';
}

/** Without one it may be any. */
const typesOf = ({ type = 'any' }: JsonObject): readonly JsonValue[] =>
  Array.isArray(type) ? (type as readonly JsonValue[]) : [type];
