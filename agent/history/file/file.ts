/**
 * The history's twin on disk (docs/design/012-history-file.md): what is in memory is also in the file, record by record,
 * so that a process that is killed loses nothing that it had kept. Whatever is wrong with the file, measuring goes on.
 */
import type { References } from '../references';
import type { Series, SeriesTable, Target } from '../series';
import type { Tier } from '../tier';
import { CROWDED, Catalogue, CatalogueFull, ROOMY, unknownSeries, type Names } from './catalogue';
import { claim, tryClaim, type Lock } from './claim';
import { openDisk, type Disk, type OpenDisk } from './disk';
import { HEADER_BYTES, layoutFor, newLineage, seedOf, writeHeader, type Header, type Layout } from './layout';
import { eachEntry, moveRecords, namedSeries, readRecords, ringsOf, type ReadBack } from './past';
import { create, find, moveAside, type Found } from './place';
import { RecordFile } from './records';
import { FileTrouble, troubleOf } from './trouble';

/** How often a file that cannot be kept is tried again, and one that can is looked at. */
const LOOK_MS = 30_000;
/** Bytes of zeros written at a time. */
const PIECE_BYTES = 64 * 1024;
/** Share of a tier's records that go at a time when there are too many names. */
const DROP_SHARE = 1 / 8;

export interface HistoryFileOptions {
  path: string;
  /** Whose history it is. */
  node: string;
  /** For the person who runs the agent; a sentence each. */
  log?: { info(sentence: string): void; error(sentence: string): void };
  /** Keeps other agents away. */
  lock?: Lock;
  open?: OpenDisk;
}

/** What the file is the twin of. */
export interface Past {
  bytes: number;
  /** Finest first. */
  tiers: readonly Tier[];
  series: SeriesTable;
  references: References;
  /** How far the clock has been set back, in all. */
  shiftMs: number;
}

export interface HistoryFileStatus {
  path: string;
  state: 'writing' | 'failing';
  /** Why it is failing; empty when it is not. */
  reason: string;
  bytes: number;
  /** Since this process started. */
  writtenBytes: number;
}

/** What is written to now. */
interface Writing {
  disk: Disk;
  catalogue: Catalogue;
  records: RecordFile[];
}

export class HistoryFile {
  readonly #path: string;
  readonly #node: string;
  readonly #open: OpenDisk;
  readonly #lock: Lock | undefined;
  readonly #log: Required<HistoryFileOptions>['log'];
  #unlock: (() => void) | undefined;
  #past!: Past;
  #layout!: Layout;
  #writing: Writing | undefined;
  #lineage: string | undefined;
  #trouble = '';
  #lookedAtMs = -Infinity;
  #writtenBefore = 0;
  #targets = new Map<string, Target>();
  /** What was found at the start and is not as it should be; a sentence each. */
  readonly findings: string[] = [];

  constructor({ path, node, open = openDisk, lock, log = NO_LOG }: HistoryFileOptions) {
    this.#path = path;
    this.#node = node;
    this.#open = open;
    this.#lock = lock;
    this.#log = log;
  }

  /**
   * Makes sure that no other agent writes to the file: before it is loaded, as one that is about to end still does.
   *
   * @throws Refusal
   */
  async claim(): Promise<void> {
    this.#unlock = this.#lock && (await claim(this.#path, this.#lock));
  }

  /** Of the past in the file; undefined until there is one. */
  get lineage(): string | undefined {
    return this.#lineage;
  }

  get status(): HistoryFileStatus {
    return {
      path: this.#path,
      state: this.#writing ? 'writing' : 'failing',
      reason: this.#trouble,
      bytes: this.#layout.size,
      writtenBytes: this.#writtenBefore + writtenBy(this.#writing),
    };
  }

  /** One sentence each, for those who look at the status. */
  get notices(): string[] {
    return [...(this.#trouble === '' ? [] : [this.#sentence(this.#trouble)]), ...this.findings];
  }

  /** Who a cgroup was, as far as the file remembers: by the label that is its path. */
  targetOf(cgroup: string): Target | undefined {
    return this.#targets.get(cgroup);
  }

  /** Puts what the file remembers into an empty past, and is its twin from then on. */
  load(past: Past): void {
    this.#past = past;
    this.#layout = layoutFor(past.tiers, past.bytes);
    try {
      this.#takeLock();
      const found = this.#find();
      if (!found || !this.#resume(found)) {
        this.#create();
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Where it could not be taken before, because nothing could be made there. */
  #takeLock(): void {
    this.#unlock ??= this.#lock && tryClaim(this.#path, this.#lock);
  }

  #find(): Found | undefined {
    const found = find(this.#path, this.#node, this.#open);
    if (found && 'why' in found) {
      const aside = moveAside(this.#path, this.#open);
      this.#finding(`${found.why}; it is kept as ${aside}, and history starts anew`);
      return undefined;
    }
    return found;
  }

  /** @returns whether the file is written on; else it is to be made anew, with the past that it had */
  #resume({ header, disk, readOnly }: Found): boolean {
    const names = this.#read(header, disk);
    this.#lineage = header.lineage;
    const isSame = sameLayout(header.layout, this.#layout);
    const isWhole = disk.size >= header.layout.size;
    if (readOnly || !isSame || !isWhole) {
      disk.close();
    }
    if (readOnly) {
      throw readOnly;
    }
    if (!isWhole) {
      this.#finding('had been cut off; what was left of it is kept');
    }
    if (!isSame || !isWhole) {
      return false;
    }
    const writing = this.#writingTo(disk, header.lineage);
    this.#beginNames(writing, names.generation + 1);
    this.#writing = writing;
    return true;
  }

  #read(header: Header, disk: Disk): Names {
    const { tiers, series, references } = this.#past;
    const isSame = sameLayout(header.layout, this.#layout);
    const own = tiers.map(({ ring }) => ring);
    const rings = isSame ? own : ringsOf(header.layout.tiers);
    const names = new Catalogue(disk, header.layout, seedOf(header.lineage), series).read();
    const readBack = readRecords(disk, header, rings, names);
    if (!isSame) {
      rings.forEach((ring, tier) => moveRecords(ring, own[tier]));
    }
    this.#past.shiftMs = readBack.shiftMs;
    const unknown = restoreSeries(series, names.series, namedSeries(own));
    eachEntry(own, (id) => references.add(id));
    // From now on a tier knows which of its records may go.
    tiers.forEach((tier) => tier.resume());
    for (const target of names.targets.values()) {
      if (target.labels.cgroup !== undefined) {
        this.#targets.set(target.labels.cgroup, target);
      }
    }
    this.#tell(readBack, unknown);
    return names;
  }

  #tell({ records, lost }: ReadBack, unknown: number): void {
    if (lost > 0) {
      this.#finding(`was damaged: ${lost} of ${records} records could not be read, and are a gap`);
    }
    if (unknown > 0) {
      this.#finding(`was damaged: the names of ${unknown} series could not be read, and their past is not shown`);
    }
  }

  /** Makes the file, with all that is in memory. */
  #create(): void {
    const lineage = this.#lineage ?? newLineage();
    const header: Header = { node: this.#node, lineage, layout: this.#layout };
    let writing!: Writing;
    create(this.#path, this.#open, (disk) => {
      writing = this.#writingTo(disk, lineage);
      this.#writeZeros(disk);
      this.#beginNames(writing, 1);
      const circumstances = { shiftMs: this.#past.shiftMs, generation: writing.catalogue.generation };
      writing.records.forEach((file, tier) => file.writeAll(this.#past.tiers[tier].ring, circumstances));
      disk.write(writeHeader(header), 0, HEADER_BYTES, 0);
    });
    this.#writtenBefore += this.#layout.size;
    this.#lineage = lineage;
    this.#writing = writing;
  }

  /** All of the file, so that a disk that has no room for it says so at once, and not when a record is to be kept. */
  #writeZeros(disk: Disk): void {
    const zeros = new Uint8Array(PIECE_BYTES);
    for (let at = 0; at < this.#layout.size; at += PIECE_BYTES) {
      disk.write(zeros, 0, Math.min(PIECE_BYTES, this.#layout.size - at), at);
    }
  }

  #writingTo(disk: Disk, lineage: string): Writing {
    const seed = seedOf(lineage);
    return {
      disk,
      catalogue: new Catalogue(disk, this.#layout, seed, this.#past.series),
      records: this.#layout.tiers.map((region) => new RecordFile(disk, region, seed)),
    };
  }

  /** Begins a half of the catalogue; when there are too many names, without the oldest records and theirs. */
  #beginNames({ catalogue }: Writing, generation: number, share = CROWDED): void {
    const { tiers } = this.#past;
    for (;;) {
      try {
        const firsts = tiers.map(({ ring }) => ring.first);
        catalogue.begin(generation, firsts, share);
        return;
      } catch (error) {
        if (!(error instanceof CatalogueFull && this.#dropOldest())) {
          throw error;
        }
      }
    }
  }

  #dropOldest(): boolean {
    return [...this.#past.tiers].reverse().some((tier) => tier.dropOldest(DROP_SHARE) > 0);
  }

  /** A series is about to be named by a record that named none of its before. */
  name(series: number): void {
    this.#writing?.catalogue.note(series);
  }

  /** A tier has one record more. */
  commit(tier: number, sequence: number, length: number): void {
    if (!this.#writing) {
      return;
    }
    const { catalogue, records } = this.#writing;
    const { tiers, shiftMs } = this.#past;
    try {
      catalogue.flush();
      records[tier].commit(tiers[tier].ring, sequence, length, { shiftMs, generation: catalogue.generation });
    } catch (error) {
      this.#fail(error);
      if (error instanceof CatalogueFull) {
        // There is a way to make room, but not within a record.
        this.#lookedAtMs = -Infinity;
      }
    }
  }

  /** Before a tick: what is to be done now and then. */
  beforeTick(timeMs: number): void {
    const isTime = Math.abs(timeMs - this.#lookedAtMs) >= LOOK_MS;
    if (isTime) {
      this.#lookedAtMs = timeMs;
    }
    try {
      if (this.#writing) {
        this.#keep(this.#writing, isTime);
      } else if (isTime) {
        this.#retry();
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #keep(writing: Writing, isTime: boolean): void {
    const { catalogue, disk } = writing;
    if (catalogue.isCrowded) {
      this.#beginNames(writing, catalogue.generation + 1, ROOMY);
    }
    catalogue.flushLateNames();
    const fate = isTime ? disk.fate() : undefined;
    if (fate !== undefined) {
      throw new FileTrouble(`has been ${fate} while it was in use`);
    }
  }

  /** Puts a new file with all that is in memory where there is none, or where the one is that could not be written. */
  #retry(): void {
    this.#takeLock();
    const found = this.#find();
    found?.disk.close();
    if (found && found.header.lineage !== this.#lineage) {
      throw new FileTrouble('holds a past that this agent has not read; restart the agent to go on with it');
    }
    this.#create();
    this.#trouble = '';
    this.#log.info(`${this.#sentence('is written again')} Everything that is in memory is in it.`);
  }

  #fail(error: unknown): void {
    this.#release();
    this.#past.series.letGo();
    const trouble = troubleOf(error).message;
    if (trouble !== this.#trouble) {
      this.#trouble = trouble;
      this.#log.error(this.#sentence(trouble));
    }
  }

  #release(): void {
    this.#writtenBefore += writtenBy(this.#writing);
    const writing = this.#writing;
    if (!writing) {
      return;
    }
    this.#writing = undefined;
    try {
      writing.disk.close();
    } catch {
      // It failed before; that was said.
    }
  }

  /** For a good end: what was written is on the medium when this returns. */
  close(): void {
    try {
      this.#writing?.disk.sync();
    } catch (error) {
      this.#fail(error);
    }
    this.#release();
    this.#unlock?.();
    this.#unlock = undefined;
  }

  #finding(reason: string): void {
    const sentence = this.#sentence(reason);
    this.findings.push(sentence);
    this.#log.error(sentence);
  }

  #sentence(reason: string): string {
    return `--history-file ${this.#path} ${reason}.`;
  }
}

const NO_LOG = { info: () => {}, error: () => {} };

function writtenBy(writing: Writing | undefined): number {
  return writing
    ? writing.records.reduce((sum, { bytesWritten }) => sum + bytesWritten, writing.catalogue.bytesWritten)
    : 0;
}

function sameLayout(a: Layout, b: Layout): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** @returns how many of those that are named have no name */
function restoreSeries(table: SeriesTable, known: ReadonlyMap<number, Series>, named: Uint8Array): number {
  let unknown = 0;
  named.forEach((isNamed, id) => {
    if (isNamed === 1) {
      const series = known.get(id);
      table.restore(series ?? unknownSeries(id));
      unknown += series ? 0 : 1;
    }
  });
  return unknown;
}
