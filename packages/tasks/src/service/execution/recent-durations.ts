const KEPT = 32;

/** How long the latest executions took. */
export class RecentDurations {
  readonly #durationsMs: number[] = [];

  add(durationMs: number): void {
    this.#durationsMs.push(durationMs);
    if (this.#durationsMs.length > KEPT) this.#durationsMs.shift();
  }

  /** The upper one of two in the middle; undefined before the first. */
  get medianMs(): number | undefined {
    return this.#durationsMs.toSorted((a, b) => a - b)[this.#durationsMs.length >> 1];
  }
}
