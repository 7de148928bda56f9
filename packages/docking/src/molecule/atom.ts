/** A place in ångström. */
export interface Point {
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

/** An atom in space. */
export interface Atom extends Point {
  /** Element symbol as in the periodic table: `C`, `Cl`, `Zn`. */
  readonly element: string;
  /** The name that the file gives it, such as `CA`; need not be unique. */
  readonly name: string;
}

/** Two atoms by their places in a list of atoms. */
export type Bond = readonly [from: number, to: number];

/** Atoms and how they are bonded; where bonds are absent they are read from the distances. */
export interface Structure {
  readonly atoms: readonly Atom[];
  readonly bonds?: readonly Bond[] | undefined;
}

/** Euclidean distance in ångström. */
export function distance(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y, a.z - b.z);
}
