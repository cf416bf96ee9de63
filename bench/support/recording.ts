/** What a benchmark finds while it runs; in the end, its result. */
import type { Machine } from './machine';
import type { Declared, Place, Result } from './result';
import type { Contender } from './rounds';

export interface Ground extends Declared {
  question: string;
  machine: Machine;
  rounds: number;
  seconds: number;
}

export class Recording {
  readonly #contenders = new Map<string, string>();
  readonly #missing: Result['missing'] = [];
  readonly #values: Result['values'] = {};
  readonly #places: Result['places'] = {};

  constructor(private readonly ground: Ground) {}

  took({ name, version }: Pick<Contender, 'name' | 'version'>): void {
    this.#contenders.set(name, version);
  }

  /** Somebody could not take part. The benchmark goes on without. */
  missed(name: string, reason: string): void {
    this.#missing.push({ name, reason });
  }

  /** One round's value of a figure. */
  add(figure: string, contender: string, value: number): void {
    this.#check(this.ground.figures, figure, value);
    ((this.#values[figure] ??= {})[contender] ??= []).push(value);
  }

  /** One round's value at one place of a curve. */
  place(curve: string, line: string, x: number, value: number): void {
    this.#check(this.ground.curves, curve, value);
    const places = ((this.#places[curve] ??= {})[line] ??= []);
    const place = places.find((each) => each.x === x) ?? added(places, x);
    place.values.push(value);
  }

  /** @param date of the day it was measured */
  result(date: Date): Result {
    const { title, asks, method, figures, ratios, curves, ...ground } = this.ground;
    const present = ({ figure, of, to }: Declared['ratios'][number]) =>
      this.#values[figure]?.[of] !== undefined && this.#values[figure]?.[to] !== undefined;
    return {
      question: ground.question,
      title,
      asks,
      method,
      date: date.toISOString().slice(0, 10),
      machine: ground.machine,
      contenders: [...this.#contenders].map(([name, version]) => ({ name, version })),
      missing: this.#missing,
      rounds: ground.rounds,
      seconds: ground.seconds,
      figures,
      // With whoever is missing, nobody is compared.
      ratios: ratios.filter(present),
      curves,
      values: this.#values,
      places: this.#places,
    };
  }

  #check(known: Record<string, unknown>, key: string, value: number): void {
    if (!Object.hasOwn(known, key)) {
      throw new Error(
        `"${key}" is not declared by ${this.ground.question}; there are ${Object.keys(known).join(', ')}.`
      );
    }
    if (!Number.isFinite(value)) {
      throw new Error(`${this.ground.question} measured ${value} for "${key}": what it reads has changed.`);
    }
  }
}

function added(places: Place[], x: number): Place {
  const place = { x, values: [] };
  places.push(place);
  return place;
}
