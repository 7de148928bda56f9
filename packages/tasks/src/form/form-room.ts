/** Characters of JSON: a form of a thousand fields takes a fifth. */
const MAX_FORM = 1_000_000;
const MAX_FIELD = 50_000;
/** What a field takes before it says anything of its own. */
const PER_FIELD = 200;

/** The room that one form may take: a document of a few kilobytes, its schemas referring to each other, can describe one without end. */
export class FormRoom {
  #left = MAX_FORM;

  /** True when nothing more is to be read. */
  get isSpent(): boolean {
    return this.#left < 0;
  }

  /** Takes room for fields below a pointer; false when there is not enough, and then no other gets any either. */
  takeFields(names: readonly string[], pointer: string): boolean {
    return this.#take(names.reduce((sum, name) => sum + PER_FIELD + pointer.length + 3 * name.length, 0));
  }

  /** Takes room for what a field says of itself; false also when that is too much for one field. */
  takeFacts(facts: object): boolean {
    const { length } = JSON.stringify(facts);
    return this.#take(Math.min(length, MAX_FIELD)) && length <= MAX_FIELD;
  }

  #take(characters: number): boolean {
    this.#left -= characters;
    return this.#left >= 0;
  }
}
