/** The series an agent knows: a metric, whose it is and what it is about, by a small number. */
import type { LabelName, Metric } from '../../wire/metrics';
import { Shared } from './shared';

export type Labels = Readonly<Partial<Record<LabelName, string>>>;

/**
 * Whose a series is. One object an owner, shared by all of its series: when the owner's name becomes known, every one of
 * them has it from that moment on, for all of its past.
 */
export interface Target {
  /** The target labels; absent ones are empty strings to a query. */
  labels: Labels;
  /** Nobody shall see it: it turned out to be excluded. */
  hidden: boolean;
}

export interface Series {
  readonly id: number;
  readonly metric: Metric;
  readonly target: Target;
  /** What the series is about: method, status, role … Series of different owners may share the object. */
  readonly own: Labels;
}

/** The value of a label; an empty string where the series has none. */
export function labelOf({ own, target }: Pick<Series, 'own' | 'target'>, label: LabelName): string {
  return own[label] ?? target.labels[label] ?? '';
}

/** Which series somebody wants: those with both. */
export interface Wanted {
  target(labels: Labels): boolean;
  own(labels: Labels): boolean;
}

export interface SeriesTableOptions {
  /** How many series there is memory for from the start; with more, more is taken. */
  capacity?: number;
}

const DEFAULT_CAPACITY = 1024;
/** The end of a chain of series: they are counted from 1 there. */
const NONE = 0;

/**
 * Ids are dense and start at 0, so that a query can keep its per-series state in typed arrays.
 *
 * An id is used again only when nobody needs the series any more: neither the collector, which owns what it interned
 * until it calls `release`, nor the history, which remembers what one of its records names. So no old record is ever
 * taken for a newer series, and ids stay bounded by what is alive or remembered. Where ids are written down outside, an
 * id that is there waits besides until the list is made anew (`hold`, `letGo`): within one list it has one meaning.
 *
 * The table itself is columns of numbers, taken at the start: as objects, the series of 500 pods would be 5 MB, which
 * would come as the pods do. A `Series` is made when somebody asks for one.
 */
export class SeriesTable {
  readonly #metrics = new Shared<Metric, Metric>();
  readonly #targets = new Shared<Target, Target>();
  readonly #owns = new Shared<string, Labels>();
  #columns: Columns;
  /** Where the chain of series with a hash starts; as many as a power of two. */
  #chains: Uint32Array;
  /** The chain of the ids that are free, and the first one that was never used. */
  #free = NONE;
  #end = 0;
  #size = 0;

  constructor({ capacity = DEFAULT_CAPACITY }: SeriesTableOptions = {}) {
    this.#columns = newColumns(capacity);
    this.#chains = newChains(capacity);
  }

  /** The series of this owner with these labels, made if it is new. The caller owns it, once more for each call. */
  intern(metric: Metric, target: Target, own: Labels = {}): Series {
    const key = keyOf(own);
    const id = this.#find(metric, target, key) ?? this.#add(metric, target, key, own);
    this.#columns.users[id]++;
    return this.#series(id);
  }

  /** Takes back one `intern`: its owner is gone and will not tell this series again. */
  release(id: number): void {
    if (this.isLive(id)) {
      this.#columns.users[id]--;
      this.#dropIfUnused(id);
    }
  }

  /** The history names the series in a record. */
  remember(id: number): void {
    if (this.#isUsed(id)) {
      this.#columns.remembered[id] = 1;
    }
  }

  /** The history's last record that named the series is gone. */
  forget(id: number): void {
    if (this.#isUsed(id)) {
      this.#columns.remembered[id] = 0;
      this.#dropIfUnused(id);
    }
  }

  /** Somebody has written down what this id means: nothing else gets it until `letGo`. */
  hold(id: number): void {
    if (this.#isUsed(id)) {
      this.#columns.held[id] = 1;
    }
  }

  isHeld(id: number): boolean {
    return id < this.#end && this.#columns.held[id] === 1;
  }

  /** Nothing is written down any more. */
  letGo(): void {
    const { held, next } = this.#columns;
    for (let id = 0; id < this.#end; id++) {
      if (held[id] === 1 && !this.#isUsed(id)) {
        next[id] = this.#free;
        this.#free = id + 1;
      }
      held[id] = 0;
    }
  }

  /**
   * Puts a remembered series back under the id that it had. In ascending order of ids, before anything else is put into
   * the table.
   */
  restore({ id, metric, target, own }: Series): void {
    if (id < this.#end) {
      throw new RangeError(`The series ${id} comes too late: the table knows series up to ${this.#end - 1}.`);
    }
    while (id >= this.#columns.next.length) {
      this.#grow();
    }
    const columns = this.#columns;
    for (; this.#end < id; this.#end++) {
      columns.next[this.#end] = this.#free;
      this.#free = this.#end + 1;
    }
    this.#end++;
    this.#fill(id, metric, target, keyOf(own), own);
    columns.remembered[id] = 1;
  }

  /** Those that a record of the history names, the hidden ones among them. */
  *remembered(): IterableIterator<Series> {
    for (let id = 0; id < this.#end; id++) {
      if (this.#columns.remembered[id] === 1) {
        yield this.#series(id);
      }
    }
  }

  get(id: number): Series | undefined {
    return this.#isUsed(id) ? this.#series(id) : undefined;
  }

  /** Whether it is still being measured, as opposed to only remembered. */
  isLive(id: number): boolean {
    return id < this.#end && this.#columns.users[id] > 0;
  }

  /** One more than the largest id in use. */
  get capacity(): number {
    return this.#end;
  }

  /** How many series there is memory for now. */
  get reserved(): number {
    return this.#columns.next.length;
  }

  get size(): number {
    return this.#size;
  }

  /** All that may be seen. */
  *[Symbol.iterator](): IterableIterator<Series> {
    for (let id = 0; id < this.#end; id++) {
      if (this.#isUsed(id) && !this.#targets.get(this.#columns.target[id]).hidden) {
        yield this.#series(id);
      }
    }
  }

  /**
   * Tells of the series of a metric that may be seen and are wanted. Labels that many have in common are looked at once,
   * not for each of them.
   *
   * @param hear `targetNumber` is another one for another target, and below `targetNumbers`
   */
  each(metric: Metric, wanted: Wanted, hear: (id: number, targetNumber: number) => void): void {
    const number = this.#metrics.find(metric);
    const { metric: metrics, target: targets, own: owns, users, remembered } = this.#columns;
    const isTarget = this.#targets.which(({ labels, hidden }) => !hidden && wanted.target(labels));
    const isOwn = this.#owns.which((labels) => wanted.own(labels));
    for (let id = 0; id < this.#end; id++) {
      if (metrics[id] === number && isTarget[targets[id]] === 1 && isOwn[owns[id]] === 1) {
        if (users[id] > 0 || remembered[id] === 1) {
          hear(id, targets[id]);
        }
      }
    }
  }

  /** One more than the largest number that a target has. */
  get targetNumbers(): number {
    return this.#targets.end;
  }

  #isUsed(id: number): boolean {
    return this.isLive(id) || (id < this.#end && this.#columns.remembered[id] === 1);
  }

  #series(id: number): Series {
    const { metric, target, own } = this.#columns;
    return {
      id,
      metric: this.#metrics.get(metric[id]),
      target: this.#targets.get(target[id]),
      own: this.#owns.get(own[id]),
    };
  }

  #find(metric: Metric, target: Target, ownKey: string): number | undefined {
    const metricNumber = this.#metrics.find(metric);
    const targetNumber = this.#targets.find(target);
    const ownNumber = this.#owns.find(ownKey);
    if (metricNumber === undefined || targetNumber === undefined || ownNumber === undefined) {
      return undefined;
    }
    const columns = this.#columns;
    const chain = this.#chainOf(metricNumber, targetNumber, ownNumber);
    for (let next = this.#chains[chain]; next !== NONE; next = columns.next[next - 1]) {
      const id = next - 1;
      if (columns.metric[id] === metricNumber && columns.target[id] === targetNumber && columns.own[id] === ownNumber) {
        return id;
      }
    }
    return undefined;
  }

  #add(metric: Metric, target: Target, ownKey: string, own: Labels): number {
    if (this.#free === NONE && this.#end === this.#columns.next.length) {
      this.#grow();
    }
    const columns = this.#columns;
    let id = this.#free - 1;
    if (this.#free === NONE) {
      id = this.#end++;
    } else {
      this.#free = columns.next[id];
    }
    this.#fill(id, metric, target, ownKey, own);
    return id;
  }

  #fill(id: number, metric: Metric, target: Target, ownKey: string, own: Labels): void {
    const columns = this.#columns;
    columns.metric[id] = this.#metrics.use(metric, metric);
    columns.target[id] = this.#targets.use(target, target);
    columns.own[id] = this.#owns.use(ownKey, own);
    this.#link(id);
    this.#size++;
  }

  #link(id: number): void {
    const { metric, target, own, next } = this.#columns;
    const chain = this.#chainOf(metric[id], target[id], own[id]);
    next[id] = this.#chains[chain];
    this.#chains[chain] = id + 1;
  }

  #unlink(id: number): void {
    const { metric, target, own, next } = this.#columns;
    const chain = this.#chainOf(metric[id], target[id], own[id]);
    if (this.#chains[chain] === id + 1) {
      this.#chains[chain] = next[id];
      return;
    }
    let before = this.#chains[chain] - 1;
    while (next[before] !== id + 1) {
      before = next[before] - 1;
    }
    next[before] = next[id];
  }

  #dropIfUnused(id: number): void {
    if (this.#isUsed(id)) {
      return;
    }
    const { metric, target, own, next } = this.#columns;
    this.#unlink(id);
    this.#metrics.leave(metric[id]);
    this.#targets.leave(target[id]);
    this.#owns.leave(own[id]);
    this.#size--;
    if (!this.isHeld(id)) {
      next[id] = this.#free;
      this.#free = id + 1;
    }
  }

  #chainOf(metric: number, target: number, own: number): number {
    const hash = Math.imul(target, 0x9e3779b1) ^ Math.imul(own, 0x85ebca6b) ^ Math.imul(metric, 0xc2b2ae35);
    return (hash ^ (hash >>> 15)) & (this.#chains.length - 1);
  }

  #grow(): void {
    const { length } = this.#columns.next;
    const grown = newColumns(2 * length);
    for (const name of Object.keys(grown) as Array<keyof Columns>) {
      grown[name].set(this.#columns[name]);
    }
    this.#columns = grown;
    this.#chains = newChains(2 * length);
    for (let id = 0; id < this.#end; id++) {
      if (this.#isUsed(id)) {
        this.#link(id);
      }
    }
  }
}

/** By id. */
interface Columns {
  /** Numbers of what it has in common with others. */
  metric: Uint16Array;
  target: Uint32Array;
  own: Uint32Array;
  /** How often it was interned and not released. */
  users: Uint32Array;
  /** 1: a record of the history names it. */
  remembered: Uint8Array;
  /** 1: its meaning is written down. */
  held: Uint8Array;
  /** The next one with the same hash, or the next free one. */
  next: Uint32Array;
}

/** Written to, so that the memory is really there. */
function newColumns(capacity: number): Columns {
  return {
    metric: new Uint16Array(capacity).fill(0),
    target: new Uint32Array(capacity).fill(0),
    own: new Uint32Array(capacity).fill(0),
    users: new Uint32Array(capacity).fill(0),
    remembered: new Uint8Array(capacity).fill(0),
    held: new Uint8Array(capacity).fill(0),
    next: new Uint32Array(capacity).fill(NONE),
  };
}

function newChains(capacity: number): Uint32Array {
  return new Uint32Array(2 ** Math.ceil(Math.log2(Math.max(capacity, 2)))).fill(NONE);
}

/** The same for the same labels, in whatever order they are given. */
function keyOf(own: Labels): string {
  const names = (Object.keys(own) as LabelName[]).filter((name) => own[name] !== undefined).sort();
  return JSON.stringify(names.map((name) => [name, own[name]]));
}
