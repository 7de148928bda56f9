import { expect, test } from 'vitest';
import { contentDifference } from '../../src/explain/content-difference.ts';

const TEXT = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight'];

test.each<[string, readonly string[], string]>([
  ['a line', TEXT.with(1, 'TWO'), 'line 2 only'],
  ['a few lines', TEXT.with(0, 'ONE').with(2, 'THREE').with(7, 'EIGHT'), 'lines 1, 3 and 8 only'],
  ['many lines', TEXT.map((line, index) => (index > 0 && index < 7 ? `${line}!` : line)), '6 of 8 lines, lines 2–7'],
  ['lines more', TEXT.toSpliced(3, 0, 'A', 'B'), 'lines 4–5 added'],
  ['a line less', TEXT.toSpliced(3, 1), 'line 4 removed'],
  ['other lines', TEXT.toSpliced(3, 2, 'A'), 'lines 4–5 replaced by line 4'],
  ['a last line end', [...TEXT, ''], 'line 9 added'],
])('%s that differ are named', (_what, changed, words) => {
  expect(contentDifference(Buffer.from(TEXT.join('\n')), Buffer.from(changed.join('\n')))).toBe(words);
});

test('line ends alone are told apart from lines, and bytes from text', () => {
  expect(contentDifference(Buffer.from('a\nb'), Buffer.from('a\r\nb'))).toBe('line ends only');
  expect(contentDifference(Buffer.from('a'), Uint8Array.of(0xff))).toBeUndefined();
  expect(contentDifference(Uint8Array.of(97, 0), Buffer.from('a'))).toBeUndefined();
});
