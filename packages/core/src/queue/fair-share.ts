/** What an organization has of the machines. */
export interface Share {
  readonly running: number;
  readonly weight: number;
  /** When it was served last, by any rising number; 0 for never. */
  readonly servedAt: number;
}

/** Orders organizations by whose turn it is: who runs least for its weight, then who was served longest ago. */
export function compareShares(a: Share, b: Share): number {
  return a.running / a.weight - b.running / b.weight || a.servedAt - b.servedAt;
}
