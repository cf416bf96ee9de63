/** One copy of each string: pods of a node share most of their labels, namespaces and names of containers. */

/** More than this many different ones are not kept in mind; the next ones then get new copies. */
const MAX_STRINGS = 8_192;

export class Strings {
  readonly #known = new Map<string, string>();

  /** The same text; the first copy of it that was given. */
  one(text: string): string {
    const known = this.#known.get(text);
    if (known !== undefined) {
      return known;
    }
    if (this.#known.size >= MAX_STRINGS) {
      this.#known.clear();
    }
    this.#known.set(text, text);
    return text;
  }
}
