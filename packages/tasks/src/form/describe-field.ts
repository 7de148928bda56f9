import { isJsonObject, type JsonObject, type JsonSchema, type JsonValue } from '@mad/core';
import { isFileSchema } from '../openapi/file-places.ts';
import { type Alternatives, alternativesOf, splitTypes, TYPE_TITLES } from './alternatives.ts';
import { conditionalLayers } from './conditional-layers.ts';
import { isClosed, orderOf, propertiesOf, readFacts, requiredOf, type SchemaFacts, textUnder } from './field-facts.ts';
import { readOptions } from './field-options.ts';
import type { FieldAlternative, FileField, FormField, GroupField, TextField, VariantField } from './form.ts';
import { FormRoom } from './form-room.ts';
import { humanize } from './humanize.ts';
import { listOf, readLayers, type Said, type SchemaLayers, typesOf, valuesOf } from './schema-layers.ts';

const MAX_DEPTH = 32;
/** A text with room for more wants more than a line. */
const LINE = 500;

/**
 * The fields of a value by its self-contained schema: an object's members, or the value itself as one field. Schemas inside themselves end as a
 * field of JSON where they repeat; so do places more than 32 levels deep, and whatever comes when a form has grown to a megabyte. Members stand as the
 * schemas have them, or by the places that `order` has for their pointers.
 */
export function describeFields(root: JsonSchema, order: ReadonlyMap<string, number>): readonly FormField[] {
  const reader: Reader = { root, order, room: new FormRoom() };
  const layers = readLayers(root, [{ schema: root, refs: new Set() }]);
  return membersOrSelf(reader, { ...layers, pointer: '', name: '', title: 'Request', depth: 0, required: true });
}

interface Reader {
  readonly root: JsonSchema;
  readonly order: ReadonlyMap<string, number>;
  readonly room: FormRoom;
}

interface Place extends SchemaLayers {
  readonly pointer: string;
  readonly name: string;
  /** Where the schemas have none. */
  readonly title: string | undefined;
  readonly depth: number;
  readonly required: boolean;
  readonly conditional?: boolean;
}

type Base = Pick<FormField, 'pointer' | 'name' | 'title' | 'required' | 'nullable' | 'conditional'> & SchemaFacts;

function membersOrSelf(reader: Reader, place: Place): readonly FormField[] {
  const field = describePlace(reader, place);
  return field.kind === 'group' ? field.fields : [field];
}

function describePlace(reader: Reader, place: Place): FormField {
  const { pointer, name, required, nullable, schemas, conditional } = place;
  const bare = { pointer, name, title: place.title ?? (humanize(name) || '(no name)'), required, nullable };
  if (reader.room.isSpent) return { ...bare, kind: 'json' };
  const base: Base = {
    ...bare,
    title: textUnder(schemas, 'title') ?? bare.title,
    ...readFacts(schemas),
    ...(conditional ? { conditional } : {}),
  };
  const field = place.repeats || place.depth > MAX_DEPTH ? undefined : describeKind(reader, { place, base });
  if (field) return field;
  return reader.room.takeFacts(base) ? { ...base, kind: 'json' } : { ...bare, kind: 'json' };
}

interface Described {
  readonly place: Place;
  readonly base: Base;
}

/** Undefined where JSON is the only form. */
function describeKind(reader: Reader, { place, base }: Described): FormField | undefined {
  const { schemas } = place;
  const types = typesOf(schemas);
  const simple = describeFile({ place, base }) ?? describeChoice({ place, base });
  if (simple) return reader.room.takeFacts(simple) ? simple : undefined;
  if (!reader.room.takeFacts(base)) return undefined;
  const alternatives =
    alternativesOf(place.layers) ?? (types && types.length > 1 ? splitTypes(place.layers, types) : undefined);
  if (alternatives) return describeVariant(reader, { place, base, ...alternatives });
  if (types?.length !== 1) return undefined;
  switch (types[0]) {
    case 'string':
      return describeText({ place, base });
    case 'integer':
    case 'number':
    case 'boolean':
      return { ...base, kind: types[0] };
    case 'array':
      return describeArray(reader, { place, base });
    case 'object':
      return describeGroup(reader, { place, base });
    default:
      return undefined;
  }
}

function describeFile({ place, base }: Described): FileField | undefined {
  const file = place.schemas.find(isFileSchema);
  if (!file) return undefined;
  const { contentMediaType, contentEncoding } = file;
  const isAny = contentMediaType === undefined || contentMediaType === 'application/octet-stream';
  const accept = typeof contentMediaType === 'string' && !isAny ? [contentMediaType] : [];
  return { ...base, kind: 'file', accept, base64: contentEncoding === 'base64' };
}

function describeChoice({ place, base }: Described): FormField | undefined {
  const options = readOptions(place.schemas);
  const [only, second] = options ?? [];
  if (only && !second && !place.nullable) return { ...base, kind: 'constant', value: only.value };
  return options && only ? { ...base, kind: 'choice', options } : undefined;
}

function describeText({ place, base }: Described): TextField {
  const format = textUnder(place.schemas, 'format');
  const isLong = valuesOf(place.schemas, 'x-multiline').includes(true) || (base.limits?.maxLength ?? 0) > LINE;
  return { ...base, kind: isLong ? 'longText' : 'text', ...(format === undefined ? {} : { format }) };
}

function describeArray(reader: Reader, { place, base }: Described): FormField | undefined {
  const isTuple = valuesOf(place.schemas, 'prefixItems').length > 0;
  return isTuple ? describeTuple(reader, { place, base }) : describeList(reader, { place, base });
}

function describeTuple(reader: Reader, { place, base }: Described): GroupField | undefined {
  const lists = place.layers.map(({ schema, refs }) => ({ schemas: listOf(schema.prefixItems), refs }));
  const length = Math.min(Math.max(...lists.map(({ schemas }) => schemas.length)), base.limits?.maxItems ?? 1_000);
  const names = Array.from({ length }, (_, index) => String(index));
  if (!reader.room.takeFields(names, place.pointer)) return undefined;
  const fields = names.map((name, index) => {
    const said = lists.flatMap(({ schemas, refs }) => (schemas[index] ? [{ schema: schemas[index], refs }] : []));
    const required = index < (base.limits?.minItems ?? 0);
    const at = {
      pointer: `${place.pointer}/${name}`,
      name,
      title: `Item ${index + 1}`,
      depth: place.depth + 1,
      required,
    };
    return describePlace(reader, { ...readLayers(reader.root, said), ...at });
  });
  return { ...base, kind: 'tuple', fields };
}

function describeList(reader: Reader, { place, base }: Described): FormField | undefined {
  const { layers, depth } = place;
  const items = layers.flatMap(({ schema, refs }) =>
    schema.items === undefined ? [] : [{ schema: schema.items, refs }],
  );
  if (items.length === 0 || items.some(({ schema }) => schema === false)) return undefined;
  if (!reader.room.takeFields(['-'], place.pointer)) return undefined;
  const at = { pointer: `${place.pointer}/-`, name: '-', title: base.title, depth: depth + 1, required: true };
  const item = describePlace(reader, { ...readLayers(reader.root, items), ...at });
  if (item.kind === 'file' && !item.nullable)
    return { ...base, kind: 'files', accept: item.accept, base64: item.base64 };
  if (item.kind === 'choice' && !item.nullable && (base.limits?.minItems ?? 0) <= item.options.length)
    return { ...base, kind: 'choices', options: item.options };
  return { ...base, kind: 'list', item };
}

function describeGroup(reader: Reader, { place, base }: Described): GroupField | undefined {
  const members = listMembers(reader, place);
  if (!members || (members.length === 0 && !isClosed(place.schemas))) return undefined;
  return { ...base, kind: 'group', fields: members.map((member) => describePlace(reader, member)) };
}

/** The members in their order; undefined when there is no room for them. */
function listMembers(reader: Reader, place: Place): readonly Place[] | undefined {
  const own = propertiesOf(place.layers);
  const others = propertiesOf(conditionalLayers(reader.root, place.layers));
  const required = requiredOf(place.schemas);
  const names = new Set([...own.keys(), ...others.keys()]);
  if (!reader.room.takeFields([...names], place.pointer)) return undefined;
  const members = [...names].flatMap((name): Place[] => {
    const said = own.get(name) ?? others.get(name) ?? [];
    if (said.some(({ schema }) => schema === false)) return [];
    const layers = readLayers(reader.root, said);
    if (valuesOf(layers.schemas, 'readOnly').includes(true)) return [];
    const pointer = `${place.pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    const conditional = !own.has(name);
    const isRequired = required.has(name) && !conditional;
    return [{ ...layers, pointer, name, title: undefined, depth: place.depth + 1, required: isRequired, conditional }];
  });
  const keptAt = ({ pointer }: Place): number => reader.order.get(pointer) ?? Number.POSITIVE_INFINITY;
  return members.sort((a, b) => compare(orderOf(a.schemas), orderOf(b.schemas)) || compare(keptAt(a), keptAt(b)));
}

// Infinity less itself is no number.
const compare = (a: number, b: number): number => (a === b ? 0 : a - b);

function describeVariant(
  reader: Reader,
  { place, base, alternatives, beside }: Described & Alternatives,
): VariantField | undefined {
  const names = alternatives.map(() => place.name);
  if (!reader.room.takeFields(names, place.pointer)) return undefined;
  const described = alternatives.map((alternative, index): FieldAlternative => {
    const own = readLayers(reader.root, [alternative]);
    const layers = readLayers(reader.root, [...withoutTexts(beside), alternative]);
    const inner: Place = { ...place, ...layers, title: base.title, nullable: false, depth: place.depth + 1 };
    const fields = membersOrSelf(reader, inner);
    const description = textUnder(own.schemas, 'description');
    const title = textUnder(own.schemas, 'title') ?? titleOf(alternative.schema, fields) ?? `Alternative ${index + 1}`;
    const facts = { title, ...(description === undefined ? {} : { description }) };
    return reader.room.takeFacts(facts) ? { ...facts, fields } : { title: `Alternative ${index + 1}`, fields };
  });
  const discriminator = findDiscriminator(described);
  return {
    ...base,
    kind: 'variant',
    ...(discriminator === undefined ? {} : { discriminator }),
    alternatives: described,
  };
}

/** These the variant says itself. */
function withoutTexts(layers: readonly Said<JsonObject>[]): readonly Said<JsonObject>[] {
  return layers.map(({ schema: { title: _, description: __, default: ___, examples: ____, ...schema }, refs }) => ({
    schema,
    refs,
  }));
}

/** By the constant that tells it apart, the schema it refers to, or its type. */
function titleOf(alternative: JsonValue, fields: readonly FormField[]): string | undefined {
  const constant = fields.find((field) => field.kind === 'constant');
  if (typeof constant?.value === 'string') return humanize(constant.value);
  if (!isJsonObject(alternative)) return undefined;
  const { $ref, type } = alternative;
  if (typeof $ref === 'string') return humanize($ref.slice($ref.lastIndexOf('/') + 1));
  return typeof type === 'string' ? TYPE_TITLES.get(type) : undefined;
}

/** A required constant that each alternative has, and no two the same. */
function findDiscriminator(alternatives: readonly FieldAlternative[]): string | undefined {
  const constants = alternatives.map(({ fields }) =>
    fields.flatMap((field) => (field.kind === 'constant' && field.required ? [field] : [])),
  );
  const valueIn = (list: (typeof constants)[number], name: string): JsonValue | undefined =>
    list.find((field) => field.name === name)?.value;
  return constants[0]?.find(({ name }) => {
    const values = constants.map((list) => valueIn(list, name));
    return !values.includes(undefined) && new Set(values.map((value) => JSON.stringify(value))).size === values.length;
  })?.name;
}
