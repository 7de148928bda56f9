/** Wakes, within this process, whoever waits for something to do. */
export class Doorbell {
  #rings = 0;
  readonly #waiting: (() => void)[] = [];

  /** How often it was rung; read before looking for work, so that no ring in between is missed. */
  get rings(): number {
    return this.#rings;
  }

  ring(): void {
    this.#rings++;
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** Resolves when it was rung more often than `rings`. */
  async after(rings: number): Promise<void> {
    if (this.#rings === rings) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}
