/** TCP connections: the slots of `bpf/tcp.bpf.c` as series. */
import { readlinkSync } from 'node:fs';
import { NOBODY, type Deltas } from '../../history/deltas';
import type { Series } from '../../history/series';
import type { Owner } from '../../identity/owners';
import { Baselines } from '../baselines';
import { Carried } from '../carried';
import {
  maps,
  readTcpAccounts,
  readTcpSeries,
  rodata,
  TcpRole,
  TcpSeriesOffsets,
  type TcpAccounts,
} from '../generated/tcp';
import { Histograms } from '../histograms';
import { LoadedObject } from '../object';
import type { Program, ProgramContext, ProgramStatus } from '../program';
import { setScope } from '../scope';
import { SlotSeries } from '../slot-series';
import type { Region } from '../memory';
import { Slots, targetOf, type ReturnedSlot } from '../slots';
import {
  ACTIVE_KIND,
  FIRST_HISTOGRAM,
  introducedCounters,
  TCP_COUNTERS,
  TCP_HISTOGRAMS,
  TCP_KINDS,
  tcpSeries,
} from '../tcp-series';
import { TcpWalk } from '../tcp-walk';

const SLOT_LONGS = maps.slots.valueSize / 8;
const COUNTERS = TCP_COUNTERS.length;
/** Of a slot's counters and its number of open connections, at the most. */
const STORES_A_SLOT = 4 * COUNTERS + 1;
/** A little less than the second that it means: a tick may come early by a timer's error. */
const RTT_SAMPLE_MS = 900;
/** The inode of the first pid namespace's file, in every kernel (PROC_PID_INIT_INO). */
const INIT_PID_NAMESPACE = 'pid:[4026531836]';

export class TcpProgram implements Program {
  readonly name = 'tcp';
  readonly #context: ProgramContext;
  readonly #object: LoadedObject;
  readonly #walk: TcpWalk;
  readonly #memory: BigUint64Array;
  readonly #histograms: readonly Histograms[];
  readonly #accounts: DataView;
  readonly #slots: Slots;
  readonly #series: SlotSeries;
  readonly #carried: Carried;
  #seriesCreated = 0n;
  /** Of each counter of each slot: what it showed when it was read last, and the most that was told to the history. */
  readonly #now: Float64Array;
  readonly #told: Float64Array;
  readonly #toldRegion: Region;
  /** Of what was told, the part that was told to nobody: its owner was excluded, and its connections stayed open. */
  readonly #concealed: Float64Array;
  readonly #concealedRegion: Region;
  /** 1 for each slot whose number of open connections the history knows not to be 0. */
  readonly #active: Uint32Array;
  readonly #activeRegion: Region;
  readonly #gone: OutcomesOfTheGone;
  #sampledAtMs = -Infinity;

  constructor(context: ProgramContext) {
    const { maxConnections, maxTcpSeries } = context.limits;
    const slots = maxTcpSeries + TcpRole.TCP_ROLES;
    this.#context = context;
    this.#object = LoadedObject.open('tcp', context, {
      sizes: {
        series: maxTcpSeries,
        free_slots: maxTcpSeries,
        slots,
        live: slots,
        connections: maxConnections,
      },
      constants: (image) => setScope(image, rodata, context.scope),
      tracing: [
        { program: 'tcp_state' },
        { program: 'tcp_destroy' },
        { program: 'tcp_retransmit' },
        { program: 'tcp_retransmit_synack' },
        { program: 'tcp_receive_reset' },
        { program: 'tcp_send_reset' },
      ],
      iterators: [
        {
          program: 'tcp_walk',
          map: 'connections',
          optional: 'bytes are told when a connection ends, and tcp_connections_active is not',
        },
        { program: 'tcp_walk_at_once', inPlaceOf: 'tcp_walk' },
        { program: 'tcp_find', optional: 'connections older than the agent are told when they end' },
      ],
    });
    try {
      this.#walk = new TcpWalk(this.#object);
      const memory = this.#object.map('slots').memory();
      this.#memory = new BigUint64Array(memory);
      const { valueSize } = maps.slots;
      const kept = context.memory;
      const baselines = new Baselines(slots * TCP_HISTOGRAMS.length, kept, 'tcp-baselines');
      this.#histograms = TCP_HISTOGRAMS.map(
        ({ at }) => new Histograms(memory, valueSize, at, baselines, { memory: kept, name: `tcp-${at}` })
      );
      this.#accounts = new DataView(this.#object.map('accounts').memory());
      const counterBytes = slots * COUNTERS * Float64Array.BYTES_PER_ELEMENT;
      this.#toldRegion = kept.region('tcp-told', counterBytes);
      this.#concealedRegion = kept.region('tcp-concealed', counterBytes);
      this.#activeRegion = kept.region('tcp-active', slots * Uint32Array.BYTES_PER_ELEMENT);
      this.#now = new Float64Array(slots * COUNTERS).fill(0);
      this.#told = new Float64Array(this.#toldRegion.buffer);
      this.#concealed = new Float64Array(this.#concealedRegion.buffer);
      this.#active = new Uint32Array(this.#activeRegion.buffer);
      this.#gone = new OutcomesOfTheGone(kept.region('tcp-gone', OutcomesOfTheGone.BYTES));
      this.#series = new SlotSeries(context.series, slots, TCP_KINDS, (slot, kind) => this.#intern(slot, kind));
      this.#slots = new Slots(this.#object, context, {
        name: this.name,
        memory: kept,
        slots,
        others: TcpRole.TCP_ROLES,
        slotBytes: valueSize,
        keyBytes: maps.series.keySize,
        cgroupIdAt: TcpSeriesOffsets.cgroupId,
        onTake: (slot) => introducedCounters(this.#roleOf(slot)).forEach((kind) => this.#series.idOf(slot, kind)),
        onReturn: (returned) => this.#onReturn(returned),
        onClear: (slot) => this.#onClear(slot),
      });
      this.#carried = new Carried({ series: context.series, memory: kept, name: 'tcp-carried' });
      if (this.#object.isNew) {
        this.#object.fillQueue('free_slots', TcpRole.TCP_ROLES, slots);
        if (this.#object.has('tcp_find')) {
          this.#object.runIterator('tcp_find');
        }
      } else {
        this.#restore(baselines);
      }
    } catch (error) {
      this.#object.close();
      throw error;
    }
  }

  /** Goes on where another agent was. */
  #restore(baselines: Baselines): void {
    baselines.restore();
    this.#slots.restore();
    // Whatever was counted has its series from now on: what goes on in another slot can be told from what does not.
    this.totals(NOBODY);
    this.#carried.restore((cgroup) => targetOf(this.#slots.owners, cgroup));
    this.#slots.finish();
  }

  tick(into: Deltas): void {
    const nowMs = performance.now();
    const sampleRtt = nowMs - this.#sampledAtMs >= RTT_SAMPLE_MS;
    if (sampleRtt) {
      this.#sampledAtMs = nowMs;
    }
    this.#read(sampleRtt);
    this.#tell(into, true);
  }

  peek(into: Deltas): void {
    this.#read(false);
    this.#tell(into, false);
  }

  totals(into: Deltas): void {
    this.#read(false);
    this.#forEach((slot) => {
      this.#tellTotals(slot, into);
      const active = this.#walk.active(slot);
      // A 0 of an owner that has a name is news; of "other" it is noise.
      if (active > 0 || (this.#walk.possible && slot >= TcpRole.TCP_ROLES)) {
        into.gauge(this.#series.idOf(slot, ACTIVE_KIND), active);
      }
    });
    this.#carried.tell(into);
  }

  setExcluded(cgroupId: bigint, excluded: boolean): void {
    this.#slots.update();
    this.#slots.setExcluded(cgroupId, excluded);
  }

  reclaim(departed: Iterable<Owner>): void {
    // A connection counts into the slot it began with, until the kernel frees its socket; then it lets go of the cgroup.
    this.#slots.reclaim(
      departed,
      (slot, owner) => (owner.released || this.#walk.isQuiet(slot)) && !this.#hasUntold(slot)
    );
    this.#carried.keep();
  }

  get excluded(): Iterable<bigint> {
    return this.#slots.listed;
  }

  holds(owner: Owner): boolean {
    return this.#slots.holds(owner);
  }

  status(): ProgramStatus {
    // The sums of handshakes below are of one moment.
    this.#read(false);
    const accounts = readTcpAccounts(this.#accounts);
    return {
      programs: this.#object.programs(),
      series: [{ program: this.name, used: this.#slots.used, limit: this.#context.limits.maxTcpSeries }],
      losses: this.#losses(accounts),
      notices: this.#notices(accounts),
      kernelMapBytes: this.#object.kernelMapBytes(),
    };
  }

  close(): void {
    this.#object.close();
  }

  /**
   * Reads everything once. The counters come before the walk: a connection that ends between the two is in neither, and
   * told one tick later; the other way round it would be in both.
   */
  #read(sampleRtt: boolean): void {
    this.#readIndex();
    const walks = this.#walk.isDue(sampleRtt);
    this.#forEach((slot) => {
      for (let i = 0; i < COUNTERS; i++) {
        // Without a walk after it, a counter with a share in the open connections stays as it was: together with an old
        // walk, what ended meanwhile would be told twice.
        if (walks || TCP_COUNTERS[i].liveAt === undefined) {
          this.#now[slot * COUNTERS + i] = Number(this.#memory[slot * SLOT_LONGS + TCP_COUNTERS[i].at / 8]);
        }
      }
    });
    if (walks) {
      this.#walk.run(sampleRtt);
      this.#addOpenConnections();
    }
  }

  #addOpenConnections(): void {
    this.#forEach((slot) => {
      for (let i = 0; i < COUNTERS; i++) {
        const { liveAt } = TCP_COUNTERS[i];
        if (liveAt !== undefined) {
          this.#now[slot * COUNTERS + i] += this.#walk.sum(slot, liveAt);
        }
      }
    });
  }

  #tell(into: Deltas, advance: boolean): void {
    this.#forEach((slot) => {
      if (advance && !this.#context.memory.hasRoom(STORES_A_SLOT)) {
        // Told at the next tick.
        return;
      }
      const excluded = this.#slots.ownerOf(slot)?.excluded ?? false;
      for (let i = 0; i < COUNTERS; i++) {
        const at = slot * COUNTERS + i;
        // Never less than was told: a connection may have ended after the counters were read and before the walk.
        const increase = this.#now[at] - this.#told[at];
        if (increase > 0) {
          if (!excluded) {
            into.counter(this.#series.idOf(slot, i), increase);
          }
          if (advance) {
            addTo(this.#told, this.#toldRegion, at, increase);
            addTo(this.#concealed, this.#concealedRegion, at, excluded ? increase : 0);
          }
        }
      }
      this.#histograms.forEach((histograms, i) => {
        if (histograms.moved(slot)) {
          histograms.tell(slot, this.#series.idOf(slot, FIRST_HISTOGRAM + i), excluded ? NOBODY : into, advance);
        }
      });
      this.#tellActive(slot, excluded ? NOBODY : into, advance);
    });
  }

  /** While it is not 0, and once when it has become 0. */
  #tellActive(slot: number, into: Deltas, advance: boolean): void {
    const active = this.#walk.active(slot);
    if (active > 0 || this.#active[slot] === 1) {
      into.gauge(this.#series.idOf(slot, ACTIVE_KIND), active);
    }
    const isActive = active > 0 ? 1 : 0;
    if (advance && this.#active[slot] !== isActive) {
      this.#activeRegion.save(slot);
      this.#active[slot] = isActive;
    }
  }

  /** The kernel's table of series, read again only when it has a new entry. */
  #readIndex(): void {
    const created = readTcpAccounts(this.#accounts).seriesCreated;
    if (created !== this.#seriesCreated) {
      this.#seriesCreated = created;
      this.#slots.update();
    }
  }

  #intern(slot: number, kind: number): Series {
    const { series, other } = this.#context;
    const { metric, own } = tcpSeries(kind, this.#roleOf(slot));
    return series.intern(metric, this.#slots.ownerOf(slot)?.target ?? other, own);
  }

  /** The first slots, one a role, are nobody's own. */
  #roleOf(slot: number): TcpRole {
    return slot < TcpRole.TCP_ROLES ? slot : readTcpSeries(this.#slots.keys, this.#slots.keyAt(slot)).role;
  }

  #forEach(see: (slot: number) => void): void {
    see(TcpRole.TCP_CLIENT);
    see(TcpRole.TCP_SERVER);
    this.#slots.forEach(see);
  }

  #tellTotals(slot: number, into: Deltas): void {
    for (let i = 0; i < COUNTERS; i++) {
      const at = slot * COUNTERS + i;
      const total = Math.max(this.#now[at], this.#told[at]) - this.#concealed[at];
      if (total > 0) {
        into.counter(this.#series.idOf(slot, i), total);
      }
    }
    this.#histograms.forEach((histograms, i) => {
      if (histograms.used(slot)) {
        histograms.total(slot, this.#series.idOf(slot, FIRST_HISTOGRAM + i), into);
      }
    });
  }

  /** Whether something of a slot whose connections have ended was not told; that none is open any more is news, too. */
  #hasUntold(slot: number): boolean {
    return (
      this.#active[slot] === 1 ||
      TCP_COUNTERS.some(
        ({ at }, i) => Number(this.#memory[slot * SLOT_LONGS + at / 8]) > this.#told[slot * COUNTERS + i]
      ) ||
      this.#histograms.some((histograms) => histograms.hasUntold(slot))
    );
  }

  #onReturn(returned: readonly ReturnedSlot[]): void {
    this.#carried.add((after, into) => {
      returned.filter(({ number }) => number > after).forEach(({ slot }) => this.#tellTotals(slot, into));
      returned.forEach(({ slot }) => this.#series.release(slot));
    }, returned.at(-1)!.number);
    returned.forEach(({ slot, number }) => this.#gone.add(number, this.#outcomesOf(slot)));
  }

  #onClear(slot: number): void {
    this.#histograms.forEach((histograms) => histograms.reset(slot));
    this.#now.fill(0, slot * COUNTERS, (slot + 1) * COUNTERS);
    this.#told.fill(0, slot * COUNTERS, (slot + 1) * COUNTERS);
    this.#concealed.fill(0, slot * COUNTERS, (slot + 1) * COUNTERS);
    this.#active[slot] = 0;
  }

  #losses(accounts: TcpAccounts): ProgramStatus['losses'] {
    const loss = (counter: string, value: bigint | number, help: string) => ({
      program: this.name,
      counter,
      value: Number(value),
      help,
    });
    return [
      loss('seen', accounts.seen, 'Handshakes begun.'),
      loss('recorded', this.#outcomes(), 'Handshakes counted: connections opened and failed.'),
      loss('in_flight', this.#walk.handshakes(), 'Handshakes under way.'),
      loss('found', accounts.found, 'Connections older than the agent, followed from its start on.'),
      loss('untracked', accounts.untracked, 'Connections beyond --max-connections: counted, without times.'),
      loss('overflowed', accounts.overflowed, 'Events counted under “other”, as the table of series was full.'),
      loss('untimed', accounts.untimed, 'Connections that ended without a known beginning, and so without a lifetime.'),
      loss('missed', accounts.missed, 'Changes of state that were not seen, made good at a later one.'),
      loss(
        'not_run',
        this.#object.misses(),
        'Events the kernel did not tell, in the middle of another one on that CPU.'
      ),
      loss(
        'resets_unowned',
        accounts.resetsUnowned,
        'Resets no socket sent: to a closed port, or after the end. Linux tells of them since 6.10.'
      ),
    ];
  }

  /** Connections opened and failed, of all owners, those that are gone included. */
  #outcomes(): number {
    let outcomes = this.#gone.sum;
    this.#forEach((slot) => (outcomes += this.#outcomesOf(slot)));
    return outcomes;
  }

  #outcomesOf(slot: number): number {
    return TCP_COUNTERS.reduce((sum, { isOutcome }, i) => sum + (isOutcome ? this.#now[slot * COUNTERS + i] : 0), 0);
  }

  #notices(accounts: TcpAccounts): string[] {
    const { maxConnections, maxTcpSeries } = this.#context.limits;
    const notices = this.#object.notices();
    if (accounts.untracked > 0n) {
      notices.push(
        `More than ${maxConnections} TCP connections were open at once; ${accounts.untracked} of them have no times. ` +
          'Raise --max-connections.'
      );
    }
    if (this.#slots.used >= maxTcpSeries) {
      notices.push(
        `All ${maxTcpSeries} TCP series are in use; what is new is counted under “other”. Raise --max-tcp-series.`
      );
    } else if (accounts.overflowed > 0n) {
      notices.push(`${accounts.overflowed} TCP events were counted under “other”, when all series were in use.`);
    }
    notices.push(...this.#slots.notices());
    if (this.#object.has('tcp_find') && !inFirstPidNamespace()) {
      notices.push(
        'TCP connections older than the agent are known only of tasks it can see. Give it the host’s pid namespace.'
      );
    }
    return notices;
  }
}

/** Handshakes that ended in slots that have been given back: each slot once, whoever is interrupted. */
class OutcomesOfTheGone {
  /** Two pairs of the number of a return and the sum up to it. The greater number is the one that holds. */
  static readonly BYTES = 4 * Float64Array.BYTES_PER_ELEMENT;
  readonly #pairs: Float64Array;

  constructor({ buffer }: Region) {
    this.#pairs = new Float64Array(buffer);
  }

  get sum(): number {
    return this.#pairs[this.#latest + 1];
  }

  add(number: number, outcomes: number): void {
    const latest = this.#latest;
    if (number > this.#pairs[latest]) {
      const next = 2 - latest;
      this.#pairs[next + 1] = this.#pairs[latest + 1] + outcomes;
      this.#pairs[next] = number;
    }
  }

  get #latest(): 0 | 2 {
    return this.#pairs[0] >= this.#pairs[2] ? 0 : 2;
  }
}

/** Two words each, that are stored once the record is kept which tells of them. */
function addTo(counts: Float64Array, region: Region, at: number, increase: number): void {
  if (increase > 0) {
    region.save(2 * at);
    region.save(2 * at + 1);
    counts[at] += increase;
  }
}

function inFirstPidNamespace(): boolean {
  try {
    return readlinkSync('/proc/self/ns/pid') === INIT_PID_NAMESPACE;
  } catch {
    // No /proc to read: nothing to say either.
    return true;
  }
}
