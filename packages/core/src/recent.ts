interface Entry<Value> {
  readonly value: Value;
  readonly size: number;
}

/** A map that keeps the entries used last, as long as their sizes together are within a limit. */
export class Recent<Key, Value> {
  readonly #entries = new Map<Key, Entry<Value>>();
  readonly #limit: number;
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(key: Key): Value | undefined {
    const entry = this.#entries.get(key);
    // Set anew, it is the last to go.
    if (entry !== undefined) this.set(key, entry.value, entry.size);
    return entry?.value;
  }

  /** An entry that is larger than the limit is not kept. @default size 1 */
  set(key: Key, value: Value, size = 1): void {
    this.delete(key);
    if (size > this.#limit) return;
    this.#entries.set(key, { value, size });
    this.#size += size;
    for (const oldest of this.#entries.keys()) {
      if (this.#size <= this.#limit) break;
      this.delete(oldest);
    }
  }

  delete(key: Key): void {
    this.#size -= this.#entries.get(key)?.size ?? 0;
    this.#entries.delete(key);
  }
}
