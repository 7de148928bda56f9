import { setTimeout } from 'node:timers/promises';

/** Counts steps that ran, and looks into the store only when there can be nothing more to wait for: it costs nothing before. */
export class StepWatch {
  #left = 0;
  #woken: (() => void) | undefined;

  /** So many steps more will run. */
  expect(steps: number): void {
    this.#left += steps;
  }

  /** A step has run. */
  tick(): void {
    if (--this.#left <= 0) this.wake();
  }

  /** Something was committed. */
  wake(): void {
    this.#woken?.();
  }

  /** Resolves when every expected step ran and `isDone`, which is asked at each `wake` and each millisecond. */
  async until(isDone: () => Promise<boolean>): Promise<void> {
    while (this.#left > 0) await new Promise<void>((resolve) => (this.#woken = resolve));
    while (!(await isDone())) {
      const woken = new Promise<void>((resolve) => (this.#woken = resolve));
      await Promise.race([woken, setTimeout(1)]);
    }
    this.#woken = undefined;
  }
}
