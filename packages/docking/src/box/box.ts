import { z } from 'zod';
import type { Point } from '../molecule/atom.ts';

/**
 * Longest edge of a box in ångström. Vina keeps a grid at 0.375 Å for each atom type: a 126 Å cube took 2.1 GB for phenol, with three types; a
 * 200 Å cube did not end.
 */
export const maxBoxEdge = 100;

/** Past this volume in Å³ Vina itself warns that its search may miss the best pose. */
const sparseVolume = 27_000;

const inAngstrom = { 'x-unit': 'Å' };
const coordinate = z.number().min(-10_000).max(10_000).meta(inAngstrom);
const edge = z.number().gt(0).max(maxBoxEdge).meta(inAngstrom);

/** A center, in ångström, in the coordinates of the receptor. */
export const boxCenterSchema = z.object({ x: coordinate, y: coordinate, z: coordinate }).strict();

/** Edge lengths in ångström, each above 0 and at most `maxBoxEdge`. */
export const boxSizeSchema = z.object({ x: edge, y: edge, z: edge }).strict();

/** The space that an engine searches: an upright cuboid. */
export const boxSchema = z.object({ center: boxCenterSchema, size: boxSizeSchema }).strict();

/** See `boxSchema`. */
export interface Box {
  readonly center: Point;
  readonly size: Point;
}

/** What a user should know before docking into this box; empty when all is well. */
export function boxWarnings(box: Box): string[] {
  const volume = box.size.x * box.size.y * box.size.z;
  if (volume <= sparseVolume) return [];
  return [
    `the box of ${Math.round(volume)} Å³ is larger than ${sparseVolume} Å³: raise exhaustiveness, or shrink it to the binding site`,
  ];
}

/** `center -5, -31, 6; size 20 × 20 × 20 Å`, for messages. */
export function describeBox({ center, size }: Box): string {
  return `center ${center.x}, ${center.y}, ${center.z}; size ${size.x} × ${size.y} × ${size.z} Å`;
}

/** How far inside the box a point lies: the distance in ångström to the nearest wall, negative outside. */
export function depthInBox(point: Point, { center, size }: Box): number {
  const depth = (axis: 'x' | 'y' | 'z') => size[axis] / 2 - Math.abs(point[axis] - center[axis]);
  return Math.min(depth('x'), depth('y'), depth('z'));
}
