/** A number of places that are taken in the order they are asked for. */
export class Places {
  readonly #count: number;
  readonly #waiting: (() => void)[] = [];
  #taken = 0;

  constructor(count: number) {
    this.#count = count;
  }

  get taken(): number {
    return this.#taken;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  get areTaken(): boolean {
    return this.#taken >= this.#count;
  }

  /** Waits for a place; false when the signal aborted before there was one. Who has a place gives it back by `leave`. */
  async enter(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    if (!this.areTaken) {
      this.#taken++;
      return true;
    }
    const turn = Promise.withResolvers<boolean>();
    const enter = (): void => turn.resolve(true);
    const giveUp = (): void => {
      const at = this.#waiting.indexOf(enter);
      // Not there any more: the place is this one's already.
      if (at < 0) return;
      this.#waiting.splice(at, 1);
      turn.resolve(false);
    };
    this.#waiting.push(enter);
    signal.addEventListener('abort', giveUp, { once: true });
    const entered = await turn.promise;
    signal.removeEventListener('abort', giveUp);
    return entered;
  }

  leave(): void {
    const next = this.#waiting.shift();
    // The place goes straight to the next one: nobody can step in between.
    if (next) next();
    else this.#taken--;
  }
}
