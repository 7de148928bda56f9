import { InvalidLigandError } from '../errors.ts';
import type { Point } from '../molecule/atom.ts';
import type { Box } from './box.ts';

/** The smallest box that holds all points with `padding` ångström to spare on every side; numbers are rounded to 0.001 Å. */
export function boxAround(points: readonly Point[], { padding }: { padding: number }): Box {
  if (points.length === 0)
    throw new InvalidLigandError({
      problem: 'there are no atoms to put a box around',
      advice: 'name a ligand that the structure holds',
    });
  const [x, y, z] = (['x', 'y', 'z'] as const).map((axis) => {
    const values = points.map((point) => point[axis]);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return { center: round((low + high) / 2), size: round(high - low + 2 * padding) };
  });
  const at = (axis: { center: number; size: number } | undefined) => axis ?? { center: 0, size: 0 };
  return {
    center: { x: at(x).center, y: at(y).center, z: at(z).center },
    size: { x: at(x).size, y: at(y).size, z: at(z).size },
  };
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
