import type { JsonObject } from '../json.ts';
import { type Doubt, doubt, type Prover } from './doubt.ts';
import { describeKinds, kindsOf } from './kinds.ts';
import { isKnownFormat } from './matches-format.ts';
import { isFileCase } from './prove-file.ts';
import { listSamples, sampleNumbers, sampleTexts } from './sample-values.ts';
import { says } from './says.ts';
import {
  greatest,
  kindsOfCase,
  least,
  type NumberRange,
  narrowTo,
  numberRange,
  type SchemaCase,
} from './schema-cases.ts';

/** `type`: the kinds that come are all taken. */
export function proveKinds(one: SchemaCase, target: JsonObject, { budget }: Prover): readonly Doubt[] {
  const [given, taken] = [kindsOfCase(one), kindsOf(target)];
  const refused = new Set([...given].filter((kind) => !taken.has(kind)));
  if (refused.size === 0) return [];
  const witnesses = () => [...refused].flatMap((kind) => [...listSamples(narrowTo(one, kind), { budget })]);
  const message = `${describeKinds(refused)} comes, ${describeKinds(taken)} is taken`;
  return [doubt(one, { target, message, witnesses })];
}

/** `enum` and `const` against values that cannot be listed. */
export function proveListed(one: SchemaCase, target: JsonObject, { budget }: Prover): readonly Doubt[] {
  if (!('const' in target) && !Array.isArray(target.enum)) return [];
  const message = `any ${describeKinds(kindsOfCase(one))} comes, only listed values are taken`;
  return [doubt(one, { target, message, witnesses: () => listSamples(one, { budget }) })];
}

export function proveNumber(one: SchemaCase, target: JsonObject, _prover: Prover): readonly Doubt[] {
  const kinds = kindsOfCase(one);
  if (!kinds.has('integer') && !kinds.has('fraction')) return [];
  const range = numberRange(one);
  const broken = LIMITS.filter(({ keyword, isKept }) => {
    const limit = target[keyword];
    return typeof limit === 'number' && !isKept(range, limit);
  });
  const limits = broken.map(({ keyword }) => ({ keyword, limit: Number(target[keyword]) }));
  if (typeof target.format === 'string' && !keepsFormat(one, target.format, range))
    limits.push({ keyword: 'format', limit: target.format === 'int32' ? 2 ** 31 : 0.5 });
  return limits.map(({ keyword, limit }) =>
    doubt(one, {
      target,
      message: `${describeRange(range)} comes, ${keyword} ${JSON.stringify(target[keyword])} is taken`,
      witnesses: () => sampleNumbers(one, [limit]),
    }),
  );
}

const LIMITS: readonly { keyword: string; isKept: (range: NumberRange, limit: number) => boolean }[] = [
  { keyword: 'minimum', isKept: ({ minimum }, limit) => minimum >= limit },
  { keyword: 'maximum', isKept: ({ maximum }, limit) => maximum <= limit },
  {
    keyword: 'exclusiveMinimum',
    isKept: ({ minimum, isAboveMinimum }, limit) => minimum > limit || (isAboveMinimum && minimum === limit),
  },
  {
    keyword: 'exclusiveMaximum',
    isKept: ({ maximum, isBelowMaximum }, limit) => maximum < limit || (isBelowMaximum && maximum === limit),
  },
  {
    keyword: 'multipleOf',
    // The same divisor is the same calculation; else only whole ones are free of rounding.
    isKept: ({ multiples }, limit) =>
      multiples.some(
        (multiple) =>
          (multiple === limit && multiple !== 1) ||
          (Number.isSafeInteger(limit) && Number.isSafeInteger(multiple) && multiple % limit === 0),
      ),
  },
];

function keepsFormat(one: SchemaCase, format: string, { minimum, maximum }: NumberRange): boolean {
  if (one.parts.some((part) => part.format === format)) return true;
  const isWhole = !kindsOfCase(one).has('fraction') || one.parts.some((part) => part.format === 'int32');
  if (format === 'int64') return isWhole;
  return format !== 'int32' || (isWhole && minimum >= -(2 ** 31) && maximum <= 2 ** 31 - 1);
}

function describeRange({ minimum, maximum, multiples }: NumberRange): string {
  const what = multiples.length > 0 ? `a multiple of ${multiples.at(-1)}` : 'a number';
  const from = Number.isFinite(minimum) ? ` from ${minimum}` : '';
  const to = Number.isFinite(maximum) ? ` up to ${maximum}` : '';
  return what + from + to;
}

export function proveText(one: SchemaCase, target: JsonObject, _prover: Prover): readonly Doubt[] {
  if (!kindsOfCase(one).has('string')) return [];
  const { minLength, maxLength, pattern, format } = target;
  const [shortest, longest] = [greatest(one, 'minLength', 0), least(one, 'maxLength')];
  const told: { message: string; lengths?: number[]; isUnknown?: boolean }[] = [];
  if (typeof minLength === 'number' && shortest < minLength)
    told.push({
      message: `text of ${shortest} characters comes, at least ${minLength} are taken`,
      lengths: [shortest],
    });
  if (typeof maxLength === 'number' && longest > maxLength) {
    const comes = Number.isFinite(longest) ? `text of ${longest} characters` : 'text of any length';
    told.push({ message: `${comes} comes, at most ${maxLength} are taken`, lengths: [maxLength + 1] });
  }
  if (typeof pattern === 'string' && !says(one, 'pattern', target))
    told.push({ message: `text comes that ${pattern} is not sure to match` });
  if (typeof format === 'string' && !FREE_FORMATS.has(format) && !says(one, 'format', target)) {
    const isUnknown = !isKnownFormat(format);
    told.push({ message: `text comes that is not sure to be of format ${format}`, isUnknown });
  }
  // A file comes as a reference to it: what is asked of its text is not held against values here.
  const isFile = isFileCase(one);
  return told.map(({ message, lengths, isUnknown = false }) =>
    doubt(one, { target, message, witnesses: isFile || isUnknown ? undefined : () => sampleTexts(one, lengths) }),
  );
}

// Those that every text is of, and those that say something of numbers.
const FREE_FORMATS = new Set(['binary', 'password', 'int32', 'int64', 'float', 'double']);
