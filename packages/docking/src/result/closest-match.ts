import type { Atom } from '../molecule/atom.ts';
import { type MoleculeGraph, nameAtomsBySurroundings } from '../molecule/graph.ts';

/** An atom that may be the image of another, and the squared distance that this costs, end atoms on it included. */
interface Candidate {
  readonly image: number;
  readonly cost: number;
}

interface Search {
  readonly from: MoleculeGraph;
  readonly to: MoleculeGraph;
  /** For each atom of `from` its candidates, near ones first; none for end atoms, which go with the atom that holds them. */
  readonly candidates: readonly (readonly Candidate[])[];
}

/**
 * The smallest sum of squared distances over all ways to lay one molecule's atoms onto the other's, element on element and bond on bond;
 * undefined when there is none. Atoms are placed along bonds and a branch ends as soon as it cannot beat the best; atoms at the end of a bond go
 * with their neighbour. So a molecule with millions of symmetries (6 for each trifluoromethyl group, multiplied) costs no more than others;
 * RDKit's substructure match would need bond orders and stops at 1000 matches.
 */
export function findClosestMatch(from: MoleculeGraph, to: MoleculeGraph): number | undefined {
  const [names, imageNames] = [nameAtomsBySurroundings(from), nameAtomsBySurroundings(to)];
  if (names.toSorted().join() !== imageNames.toSorted().join()) return undefined;
  const candidates = names.map((name, i) => {
    if (isEndAtom(from, i)) return [];
    const images = imageNames.flatMap((other, image) => (other === name ? [image] : []));
    const cost = (image: number) =>
      squaredDistance(from.atoms[i], to.atoms[image]) + costOfEnds({ from, to, i, image, names, imageNames });
    return images.map((image) => ({ image, cost: cost(image) })).sort((a, b) => a.cost - b.cost);
  });
  return search({ from, to, candidates });
}

function search({ from, to, candidates }: Search): number | undefined {
  const order = walkAlongBonds(from, candidates);
  const leastFrom = sumLeastCosts(order, candidates);
  const images = new Map<number, number>();
  const taken = new Set<number>();
  let best: number | undefined;
  const fits = (i: number, image: number) =>
    [...(from.neighbours[i] ?? [])].every(
      (neighbour) => !images.has(neighbour) || to.neighbours[image]?.has(images.get(neighbour) ?? -1),
    );
  const place = (depth: number, sum: number): void => {
    if (best !== undefined && sum + (leastFrom[depth] ?? 0) >= best) return;
    const i = order[depth];
    if (i === undefined) {
      best = sum;
      return;
    }
    for (const { image, cost } of candidates[i] ?? []) {
      if (taken.has(image) || !fits(i, image)) continue;
      images.set(i, image);
      taken.add(image);
      place(depth + 1, sum + cost);
      taken.delete(image);
      images.delete(i);
    }
  };
  place(0, 0);
  return best;
}

/** Every inner atom after one of its neighbours, those with the fewest candidates first. */
function walkAlongBonds(from: MoleculeGraph, candidates: Search['candidates']): number[] {
  const choices = (i: number) => candidates[i]?.length ?? 0;
  const inner = candidates.flatMap((_, i) => (isEndAtom(from, i) ? [] : [i]));
  const order = new Set<number>();
  for (const start of inner.toSorted((a, b) => choices(a) - choices(b))) {
    const open = new Set(order.has(start) ? [] : [start]);
    while (open.size > 0) {
      const next = [...open].reduce((a, b) => (choices(b) < choices(a) ? b : a));
      open.delete(next);
      order.add(next);
      for (const neighbour of from.neighbours[next] ?? [])
        if (!order.has(neighbour) && !isEndAtom(from, neighbour)) open.add(neighbour);
    }
  }
  return [...order];
}

/** For each place in the order: what the atoms from there on cost at the very least. */
function sumLeastCosts(order: readonly number[], candidates: Search['candidates']): number[] {
  const sums = new Array<number>(order.length + 1).fill(0);
  for (const [depth, i] of [...order.entries()].reverse())
    sums[depth] = (sums[depth + 1] ?? 0) + (candidates[i]?.[0]?.cost ?? 0);
  return sums;
}

interface Ends {
  readonly from: MoleculeGraph;
  readonly to: MoleculeGraph;
  readonly i: number;
  readonly image: number;
  readonly names: readonly string[];
  readonly imageNames: readonly string[];
}

/** The least cost of the end atoms of `i` on those of `image`. An atom holds few of them: every order is tried. */
function costOfEnds({ from, to, i, image, names, imageNames }: Ends): number {
  const ends = endAtomsOf(from, i);
  const leastCost = (at: number, free: readonly number[]): number => {
    const end = ends[at];
    if (end === undefined) return 0;
    const options = free.filter((other) => imageNames[other] === names[end]);
    const costs = options.map(
      (other) =>
        squaredDistance(from.atoms[end], to.atoms[other]) +
        leastCost(
          at + 1,
          free.filter((one) => one !== other),
        ),
    );
    return Math.min(...costs);
  };
  return leastCost(0, endAtomsOf(to, image));
}

function endAtomsOf(graph: MoleculeGraph, i: number): number[] {
  return [...(graph.neighbours[i] ?? [])].filter((neighbour) => isEndAtom(graph, neighbour));
}

/** An atom with one neighbour that itself has more. */
function isEndAtom({ neighbours }: MoleculeGraph, i: number): boolean {
  const [only, another] = neighbours[i] ?? [];
  return only !== undefined && another === undefined && (neighbours[only]?.size ?? 0) > 1;
}

function squaredDistance(a: Atom | undefined, b: Atom | undefined): number {
  return a && b ? (a.x - b.x) ** 2 + (a.y - b.y) ** 2 + (a.z - b.z) ** 2 : Number.POSITIVE_INFINITY;
}
