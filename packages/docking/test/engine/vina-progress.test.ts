import { expect, test } from 'vitest';
import { readVinaProgress } from '../../src/engine/vina-progress.ts';

const head =
  'Docking (seed: 7) ***\n0%   10   20   30   40   50   60   70   80   90   100%\n|----|----|----|----|----|----|----|----|----|----|\n';

test('stars under the scale are counted as they come, however the text is cut', () => {
  const seen: number[] = [];
  const read = readVinaProgress((fraction) => seen.push(Math.round(fraction * 51)));
  for (const piece of [head.slice(0, 60), head.slice(60), '*', '**', `${'*'.repeat(48)}\n`, '\nmode | affinity\n *** '])
    read(piece);
  expect(seen).toEqual([0, 1, 3, 51]);
});
