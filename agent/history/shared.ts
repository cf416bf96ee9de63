/** Values that many have in common, each by a small number, for as long as somebody uses it. */
export class Shared<Key, Value> {
  readonly #numbers = new Map<Key, number>();
  readonly #entries: Array<{ key: Key; value: Value; users: number } | undefined> = [];
  readonly #free: number[] = [];

  find(key: Key): number | undefined {
    return this.#numbers.get(key);
  }

  /** One user more of the value with this key, which is kept if the key is new. */
  use(key: Key, value: Value): number {
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#free.pop() ?? this.#entries.length;
      this.#numbers.set(key, number);
      this.#entries[number] = { key, value, users: 0 };
    }
    this.#entries[number]!.users++;
    return number;
  }

  /** One user less. */
  leave(number: number): void {
    const entry = this.#entries[number]!;
    if (--entry.users === 0) {
      this.#numbers.delete(entry.key);
      this.#entries[number] = undefined;
      this.#free.push(number);
    }
  }

  get(number: number): Value {
    return this.#entries[number]!.value;
  }

  /** 1 for each value of which something is true, by its number. */
  which(isTrue: (value: Value) => boolean): Uint8Array {
    return Uint8Array.from(this.#entries, (entry) => (entry && isTrue(entry.value) ? 1 : 0));
  }

  /** One more than the largest number there has been. */
  get end(): number {
    return this.#entries.length;
  }
}
