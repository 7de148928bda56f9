import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { inputSignature, NotPlainJsonError } from '../../src/index.ts';
import { textDigest } from '../../src/signature/text-digest.ts';

const bare = (text: string) => createHash('sha256').update(text).digest('hex');

test.each([
  ['ASCII', 'ATOM 1 N\n'.repeat(20_000)],
  ['two bytes', 'é'.repeat(600_000)],
  ['three bytes', '€'.repeat(600_000)],
  ['pairs of surrogates on every border', `x${'😀'.repeat(600_000)}`],
  ['pairs of surrogates beside every border', '😀'.repeat(600_000)],
  ['a short text', 'CCO'],
])('%s: the digest is that of its UTF-8, the first time and again', (_what, text) => {
  expect(textDigest(text)).toBe(bare(text));
  expect(textDigest(text)).toBe(bare(text));
});

test('long texts of one length that differ in one character are told apart', () => {
  const text = 'A'.repeat(50_000);
  for (const at of [0, 1, 24_999, 49_999]) {
    const other = `${text.slice(0, at)}B${text.slice(at + 1)}`;
    expect(textDigest(text)).toBe(bare(text));
    expect(textDigest(other)).toBe(bare(other));
  }
});

test.each([
  ['NUL', `${'x'.repeat(600_000)}\0`],
  ['half of a pair', `${'x'.repeat(600_000)}\ud83d`],
])('a long text with %s is refused, again too', (_what, text) => {
  for (let i = 0; i < 2; i++)
    expect(() => inputSignature({ inputs: {}, parameters: { text } })).toThrow(NotPlainJsonError);
});
