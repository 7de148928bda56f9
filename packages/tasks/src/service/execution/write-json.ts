/**
 * JSON text of a value that came from outside the kit. An undefined property is left out.
 * @throws {TypeError} for what JSON would drop or change (NaN, bigint, functions, undefined in an array), for cycles, and @throws {RangeError} for bottomless nesting.
 */
export function writeJson(value: unknown): Buffer {
  const text = JSON.stringify(value, refuseLost);
  if (text === undefined) throw new TypeError('expected a JSON value, got undefined');
  return Buffer.from(text);
}

function refuseLost(this: unknown, key: string, value: unknown): unknown {
  const isLost =
    typeof value === 'function' ||
    typeof value === 'symbol' ||
    typeof value === 'bigint' ||
    (typeof value === 'number' && !Number.isFinite(value)) ||
    (value === undefined && Array.isArray(this));
  if (isLost) throw new TypeError(`expected a JSON value at ${key.slice(0, 100)}, got ${describe(value)}`);
  return value;
}

const describe = (value: unknown): string => (typeof value === 'number' ? String(value) : `a ${typeof value}`);
