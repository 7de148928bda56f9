/**
 * RFC 8785, appendix B: the bits of an IEEE 754 double, and its text. Integers beyond 2^53, NaN and infinities are in it, and refused here.
 */
export const rfcNumbers: readonly (readonly [bits: string, text: string | undefined])[] = [
  ['0000000000000000', '0'],
  ['8000000000000000', '0'],
  ['0000000000000001', '5e-324'],
  ['8000000000000001', '-5e-324'],
  ['4340000000000000', undefined],
  ['c340000000000000', undefined],
  ['4430000000000000', undefined],
  ['44b52d02c7e14af5', undefined],
  ['44b52d02c7e14af6', undefined],
  ['44b52d02c7e14af7', undefined],
  ['444b1ae4d6e2ef4e', undefined],
  ['444b1ae4d6e2ef4f', undefined],
  ['444b1ae4d6e2ef50', undefined],
  ['7fefffffffffffff', undefined],
  ['ffefffffffffffff', undefined],
  ['7fffffffffffffff', undefined],
  ['7ff0000000000000', undefined],
  ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
  ['3eb0c6f7a0b5ed8d', '0.000001'],
  ['41b3de4355555553', '333333333.3333332'],
  ['41b3de4355555554', '333333333.33333325'],
  ['41b3de4355555555', '333333333.3333333'],
  ['41b3de4355555556', '333333333.3333334'],
  ['41b3de4355555557', '333333333.33333343'],
  ['becbf647612f3696', '-0.0000033333333333333333'],
];

export const doubleOf = (bits: string): number => Buffer.from(bits, 'hex').readDoubleBE();
