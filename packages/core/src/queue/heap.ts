/** A priority queue: the least element by `compare` first, O(log n) to push and to pop. Elements must not change their order while they are in. */
export interface Heap<T> extends Iterable<T> {
  readonly size: number;
  /** The least elements in their order, so many at most; they stay. O(count log count). */
  least(count: number): readonly T[];
  push(element: T): void;
  peek(): T | undefined;
  pop(): T | undefined;
}

export function createHeap<T>(compare: (a: T, b: T) => number): Heap<T> {
  const elements: T[] = [];
  const at = (index: number): T => elements[index] as T;

  function rise(element: T): void {
    let index = elements.length - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (compare(element, at(parent)) >= 0) break;
      elements[index] = at(parent);
      index = parent;
    }
    elements[index] = element;
  }

  function sink(element: T): void {
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= elements.length) break;
      if (child + 1 < elements.length && compare(at(child + 1), at(child)) < 0) child++;
      if (compare(element, at(child)) <= 0) break;
      elements[index] = at(child);
      index = child;
    }
    elements[index] = element;
  }

  return {
    get size() {
      return elements.length;
    },
    push(element) {
      elements.push(element);
      rise(element);
    },
    peek: () => elements[0],
    pop() {
      const first = elements[0];
      const last = elements.pop();
      if (elements.length > 0) sink(last as T);
      return first;
    },
    least(count) {
      const found: T[] = [];
      // The next one is always a child of one that was found.
      const next = createHeap<number>((a, b) => compare(at(a), at(b)));
      if (elements.length > 0) next.push(0);
      while (found.length < count) {
        const index = next.pop();
        if (index === undefined) break;
        found.push(at(index));
        for (const child of [2 * index + 1, 2 * index + 2]) if (child < elements.length) next.push(child);
      }
      return found;
    },
    [Symbol.iterator]: () => elements[Symbol.iterator](),
  };
}
