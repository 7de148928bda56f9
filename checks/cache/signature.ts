import { canonicalJson, inputSignature, NotPlainJsonError } from '@mad/cache';
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { changeOnce, plainObject, shuffleKeys } from '../../packages/cache/test/signature/plain-values.ts';
import { refusedValues } from '../../packages/cache/test/signature/refused-values.ts';
import { doubleOf, rfcNumbers } from '../../packages/cache/test/signature/rfc-8785.ts';
import type { Check } from '../check.ts';

const CASES = { small: 300, full: 30_000 };
const DOUBLES = { small: 2_000, full: 1_000_000 };

/**
 * The numbers of RFC 8785, and any others beside another implementation of it; everything that is no plain JSON refused with the place; and of random
 * values: one signature in any order of keys, another after any single change.
 */
export const signatureCheck: Check = {
  name: 'signature',
  async run(size, print) {
    const faults: string[] = [];
    const expect = (what: string, isSo: boolean): void => {
      if (isSo) return;
      faults.push(what);
      print(what);
    };
    for (const [bits, text] of rfcNumbers) expect(`the double ${bits}`, writtenOf(doubleOf(bits)) === text);
    for (const [what, value, pointer] of refusedValues) expect(`${what} at ${pointer}`, refusedAt(value) === pointer);
    const numbers = fc.check(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const text = writtenOf(value);
        return text === undefined
          ? Number.isInteger(value) && !Number.isSafeInteger(value)
          : text === canonicalize(value);
      }),
      { numRuns: DOUBLES[size] },
    );
    expect(`the double ${numbers.counterexample}`, !numbers.failed);
    const found = fc.check(
      fc.property(plainObject, fc.nat(), (value, at) => {
        const key = signatureOf(value);
        return (
          canonicalJson(value) === canonicalize(value) &&
          signatureOf(shuffleKeys(value, at)) === key &&
          signatureOf(changeOnce(value, at)) !== key
        );
      }),
      { numRuns: CASES[size] },
    );
    expect(`signatures: ${JSON.stringify(found.counterexample)}, seed ${found.seed}`, !found.failed);
    return {
      passed: faults.length === 0,
      line: `signature ${rfcNumbers.length} numbers of RFC 8785, ${refusedValues.length} refusals, ${found.numRuns} random values and ${DOUBLES[size]} doubles, ${faults.length} wrong`,
      figures: {
        numbers: rfcNumbers.length,
        refusals: refusedValues.length,
        values: found.numRuns,
        doubles: DOUBLES[size],
        faults,
      },
    };
  },
};

const signatureOf = (value: unknown): string => inputSignature({ inputs: {}, parameters: { value } as never });

function writtenOf(value: unknown): string | undefined {
  return refusedAt(value) === undefined ? canonicalJson(value) : undefined;
}

/** The place that is refused; undefined where none is. */
function refusedAt(value: unknown): string | undefined {
  try {
    canonicalJson(value);
    return undefined;
  } catch (error) {
    if (error instanceof NotPlainJsonError) return error.pointer;
    throw error;
  }
}
