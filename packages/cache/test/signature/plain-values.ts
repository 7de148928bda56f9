import fc from 'fast-check';

export type Plain = null | boolean | number | string | Plain[] | { [key: string]: Plain };
export type PlainObject = { [key: string]: Plain };

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }).map((value) => value.toWellFormed().replaceAll('\0', '0')),
  fc.constantFrom('"', '\\', '\n', '\u2028', 'é', '😀', 'x'.repeat(300)),
);
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Number.isInteger(value)),
  fc.maxSafeInteger(),
  fc.constantFrom(0, -0, 1e-7, 0.1 + 0.2),
);
const key = text.filter((name) => name !== '__proto__');

/** Any plain JSON object with at least one property. */
export const plainObject: fc.Arbitrary<PlainObject> = fc.letrec<{ value: Plain; object: PlainObject }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.oneof(fc.constant(null), fc.boolean(), number, text),
    fc.array(tie('value'), { maxLength: 4 }),
    tie('object'),
  ),
  object: fc.dictionary(key, tie('value'), { minKeys: 1, maxKeys: 6 }),
})).object;

/** The same value, its keys in another order. */
export function shuffleKeys(value: Plain, turn: number): Plain {
  if (Array.isArray(value)) return value.map((item) => shuffleKeys(item, turn + 1));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).reverse();
  const at = turn % entries.length;
  const turned = [...entries.slice(at), ...entries.slice(0, at)];
  return Object.fromEntries(turned.map(([name, item]) => [name, shuffleKeys(item, turn + 1)]));
}

/** A value that differs in one place, chosen by `at`. */
export function changeOnce(value: Plain, at: number): Plain {
  if (Array.isArray(value)) {
    if (value.length === 0 || at % 3 === 0) return [...value, null];
    const index = at % value.length;
    return value.map((item, i) => (i === index ? changeOnce(item, Math.floor(at / 2)) : item));
  }
  if (typeof value === 'number') return value === 1 ? 2 : 1;
  if (typeof value === 'string') return `${value} `;
  if (typeof value === 'boolean') return !value;
  if (value === null) return 0;
  const names = Object.keys(value);
  const name = names[at % names.length];
  if (name === undefined || at % 5 === 0) return { ...value, [`${name}+`]: null };
  if (at % 7 === 0) {
    const { [name]: _, ...rest } = value;
    return rest;
  }
  return { ...value, [name]: changeOnce(value[name] ?? null, Math.floor(at / 2)) };
}
