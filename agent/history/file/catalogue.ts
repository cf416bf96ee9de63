/**
 * What the ids in a history file's records mean: a list of names, written before the first record that uses one.
 *
 * There are two halves. Names are added to one of them until it is nearly full; then what records still name is written
 * into the other one, and that one is in use from the moment its head is written. An id has one meaning in a half: it is
 * given to another series only when the next half begins (`SeriesTable.hold`). Every record says which half it was
 * written with, by generation, and a half says which records were still there when it began: so none is ever read with
 * names that are older or newer than itself, whatever was lost.
 *
 *     half    checksum, magic, generation, salt, then of each tier the first record it speaks of; 64 bytes
 *     name    checksum, length, kind, 0, JSON; a multiple of 8 bytes
 */
import { randomBytes } from 'node:crypto';
import { METRICS } from '../../../wire/metrics';
import type { Labels, Series, SeriesTable, Target } from '../series';
import { crc32 } from './crc';
import type { Disk } from './disk';
import type { Layout } from './layout';
import { FileTrouble } from './trouble';

const HEAD_BYTES = 64;
const HEAD_MAGIC = 0x454d414e;
const NAME_HEAD_BYTES = 8;
const ALIGNMENT = 8;
/** Names are put together here before they are written. */
const SCRATCH_BYTES = 64 * 1024;
/** The longest one: its labels are bounded, and every one of their characters may take six bytes. */
const MOST_NAME_BYTES = 16 * 1024;
/** Above this share the next half is begun at the next tick, and has to stay below the other one. */
export const CROWDED = 0.75;
export const ROOMY = 0.6;

const enum NameKind {
  Target = 1,
  Series = 2,
}

/** Target number, labels, hidden. */
type TargetName = [number, Labels, 0 | 1];
/** Id, metric, its least exponent, target number, own labels. */
type SeriesName = [number, string, number, number, Labels];

/** There are more names than a half has room for. */
export class CatalogueFull extends FileTrouble {
  constructor() {
    super('has no room for the names of so many series at once; give --history-bytes more');
  }
}

/** A target as it was last written. */
interface WrittenTarget {
  number: number;
  labels: Labels;
  hidden: boolean;
}

export class Catalogue {
  /** Of the half in use; records of a later one cannot be named. */
  generation = 0;
  /** Where the checksums of its names start: what an earlier use of the half has left there, begun or not, is none. */
  #salt = 0;
  #at = HEAD_BYTES;
  readonly #targets = new Map<Target, WrittenTarget>();
  #nextTarget = 0;
  readonly #unwritten: number[] = [];
  readonly #scratch = new Uint8Array(SCRATCH_BYTES).fill(0);
  readonly #view = new DataView(this.#scratch.buffer);
  readonly #encoder = new TextEncoder();
  #filled = 0;
  bytesWritten = 0;

  constructor(
    private readonly disk: Disk,
    private readonly layout: Pick<Layout, 'namesAt' | 'nameBytes' | 'tiers'>,
    private readonly seed: number,
    private readonly table: SeriesTable
  ) {}

  /** A record is about to name this series. */
  note(series: number): void {
    if (!this.table.isHeld(series)) {
      this.#unwritten.push(series);
    }
  }

  get isCrowded(): boolean {
    return this.#at > this.layout.nameBytes * CROWDED;
  }

  /**
   * Writes the names that were noted.
   *
   * @throws CatalogueFull, or what the disk throws
   */
  flush(): void {
    for (const id of this.#unwritten) {
      const series = this.table.get(id);
      if (series && !this.table.isHeld(id)) {
        this.#addSeries(series, this.layout.nameBytes);
      }
    }
    this.#unwritten.length = 0;
    this.#writeOut();
  }

  /** Writes the targets whose labels are other ones now. */
  flushLateNames(): void {
    for (const [target, written] of this.#targets) {
      if (target.labels !== written.labels || target.hidden !== written.hidden) {
        this.#addTarget(target, written.number, this.layout.nameBytes);
      }
    }
    this.#writeOut();
  }

  /**
   * Begins the next half with the names that records use now.
   *
   * @param firsts of each tier, the oldest record there is
   * @param share of the half that they may take
   * @throws CatalogueFull when they would take more, or what the disk throws; the half in use is as it was then
   */
  begin(generation: number, firsts: readonly number[], share: number): void {
    this.generation = generation;
    this.#salt = randomBytes(4).readUInt32LE();
    this.#targets.clear();
    this.#nextTarget = 0;
    this.#unwritten.length = 0;
    this.#filled = 0;
    this.#at = HEAD_BYTES;
    this.table.letGo();
    for (const series of this.table.remembered()) {
      this.#addSeries(series, this.layout.nameBytes * share);
    }
    this.#writeOut();
    this.#writeHead(firsts);
  }

  #addSeries({ id, metric, target, own }: Series, limit: number): void {
    if (!isUnknown(target)) {
      const { number } = this.#targets.get(target) ?? this.#addTarget(target, this.#nextTarget++, limit);
      const name: SeriesName = [id, metric.name, metric.minExponent, number, own];
      this.#add(NameKind.Series, name, limit);
    }
    this.table.hold(id);
  }

  #addTarget(target: Target, number: number, limit: number): WrittenTarget {
    const { labels, hidden } = target;
    const name: TargetName = [number, labels, hidden ? 1 : 0];
    this.#add(NameKind.Target, name, limit);
    const written = { number, labels, hidden };
    this.#targets.set(target, written);
    return written;
  }

  #add(kind: NameKind, name: TargetName | SeriesName, limit: number): void {
    if (this.#filled + MOST_NAME_BYTES > SCRATCH_BYTES) {
      this.#writeOut();
    }
    const start = this.#filled;
    const body = this.#scratch.subarray(start + NAME_HEAD_BYTES, start + MOST_NAME_BYTES);
    const { written } = this.#encoder.encodeInto(JSON.stringify(name), body);
    const end = start + NAME_HEAD_BYTES + written;
    const padded = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
    if (this.#at + padded > limit) {
      throw new CatalogueFull();
    }
    this.#scratch.fill(0, end, padded);
    this.#view.setUint16(start + 4, written, true);
    this.#view.setUint16(start + 6, kind, true);
    this.#view.setUint32(start, crc32(this.#scratch, start + 4, end, this.#salt), true);
    this.#filled = padded;
  }

  #writeOut(): void {
    if (this.#filled > 0) {
      this.disk.write(this.#scratch, 0, this.#filled, this.#halfAt(this.generation) + this.#at);
      this.bytesWritten += this.#filled;
      this.#at += this.#filled;
      this.#filled = 0;
    }
  }

  #writeHead(firsts: readonly number[]): void {
    const head = new Uint8Array(HEAD_BYTES);
    const view = new DataView(head.buffer);
    [HEAD_MAGIC, this.generation, this.#salt, ...firsts].forEach((value, i) => view.setUint32(4 + 4 * i, value, true));
    view.setUint32(0, crc32(head, 4, HEAD_BYTES, this.seed), true);
    this.disk.write(head, 0, HEAD_BYTES, this.#halfAt(this.generation));
    this.bytesWritten += HEAD_BYTES;
  }

  #halfAt(generation: number): number {
    return this.layout.namesAt + (generation % 2) * this.layout.nameBytes;
  }

  /** What the file says now. */
  read(): Names {
    const halves = [0, 1].map((half) => this.#readHead(half)).filter((head) => head !== undefined);
    const newest = halves.reduce((a, b) => (a.generation > b.generation ? a : b), NO_HALF);
    const names: Names = { ...newest, series: new Map(), targets: new Map() };
    if (newest !== NO_HALF) {
      this.#readNames(names);
    }
    return names;
  }

  #readHead(half: number): Half | undefined {
    const head = new Uint8Array(HEAD_BYTES);
    this.disk.read(head, this.#halfAt(half));
    const view = new DataView(head.buffer);
    const [magic, generation, salt, ...firsts] = Array.from({ length: 3 + this.layout.tiers.length }, (_, i) =>
      view.getUint32(4 + 4 * i, true)
    );
    const isWhole = view.getUint32(0, true) === crc32(head, 4, HEAD_BYTES, this.seed);
    return isWhole && magic === HEAD_MAGIC && generation % 2 === half ? { generation, salt, firsts } : undefined;
  }

  /** Takes every name that is whole; what follows one that is not is found again by its checksum. */
  #readNames(names: Names): void {
    const bytes = new Uint8Array(this.layout.nameBytes - HEAD_BYTES);
    this.disk.read(bytes, this.#halfAt(names.generation) + HEAD_BYTES);
    const view = new DataView(bytes.buffer);
    const found: SeriesName[] = [];
    for (let at = 0; at + NAME_HEAD_BYTES <= bytes.length;) {
      const kind: NameKind = view.getUint16(at + 6, true);
      const end = at + NAME_HEAD_BYTES + view.getUint16(at + 4, true);
      const isName = (kind === NameKind.Target || kind === NameKind.Series) && end <= bytes.length;
      if (!isName || view.getUint32(at, true) !== crc32(bytes, at + 4, end, names.salt)) {
        at += ALIGNMENT;
        continue;
      }
      const name: unknown = parse(bytes.subarray(at + NAME_HEAD_BYTES, end));
      if (kind === NameKind.Target && isTargetName(name)) {
        const [number, labels, hidden] = name;
        const target = names.targets.get(number) ?? { labels, hidden: false };
        names.targets.set(number, Object.assign(target, { labels, hidden: hidden === 1 }));
      } else if (kind === NameKind.Series && isSeriesName(name)) {
        found.push(name);
      }
      at = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
    }
    for (const [id, metricName, minExponent, number, own] of found) {
      const metric = METRICS.find((known) => known.name === metricName && known.minExponent === minExponent);
      const target = names.targets.get(number);
      if (metric && target) {
        names.series.set(id, { id, metric, target, own });
      }
    }
  }
}

interface Half {
  generation: number;
  salt: number;
  /** Of each tier, the oldest record that the names are for. */
  firsts: number[];
}

/** No record is of a generation before the first. */
const NO_HALF: Half = { generation: 0, salt: 0, firsts: [] };

export interface Names extends Half {
  series: Map<number, Series>;
  targets: Map<number, Target>;
}

const UNKNOWN_TARGET: Target = { labels: {}, hidden: true };

/** A series of which the file has the records and not the name: it is kept out of sight until they are gone. */
export function unknownSeries(id: number): Series {
  return { id, metric: METRICS[0], target: UNKNOWN_TARGET, own: { method: `unknown ${id}` } };
}

function isUnknown(target: Target): boolean {
  return target === UNKNOWN_TARGET;
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    // A name that was too long, and was cut off.
    return undefined;
  }
}

function isTargetName(name: unknown): name is TargetName {
  return Array.isArray(name) && Number.isInteger(name[0]) && isLabels(name[1]) && (name[2] === 0 || name[2] === 1);
}

function isSeriesName(name: unknown): name is SeriesName {
  return (
    Array.isArray(name) &&
    Number.isInteger(name[0]) &&
    typeof name[1] === 'string' &&
    Number.isInteger(name[3]) &&
    isLabels(name[4])
  );
}

function isLabels(value: unknown): value is Labels {
  return typeof value === 'object' && value !== null && Object.values(value).every((text) => typeof text === 'string');
}
