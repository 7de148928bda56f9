import { createHeap } from './heap.ts';

/** Something whose time is to come. */
export interface Delayed {
  /** Milliseconds since the epoch. */
  readonly dueAt: number;
}

// A longer timer would fire at once.
const LONGEST_TIMER_MS = 2_147_483_647;

/** Holds elements and calls `onDue` with those whose time has come, the earliest first. Its timer does not keep the process alive. */
export function createDelayedMessages<T extends Delayed>(
  onDue: (elements: readonly T[]) => void,
): { push(element: T): void } {
  const heap = createHeap<T>((a, b) => a.dueAt - b.dueAt);
  let timer: NodeJS.Timeout | undefined;

  function arm(): void {
    clearTimeout(timer);
    const first = heap.peek();
    if (first) timer = setTimeout(fire, Math.min(Math.max(first.dueAt - Date.now(), 1), LONGEST_TIMER_MS)).unref();
  }

  function fire(): void {
    const due: T[] = [];
    for (let first = heap.peek(); first && first.dueAt <= Date.now(); first = heap.peek()) {
      heap.pop();
      due.push(first);
    }
    arm();
    onDue(due);
  }

  return {
    push(element) {
      heap.push(element);
      if (heap.peek() === element) arm();
    },
  };
}
