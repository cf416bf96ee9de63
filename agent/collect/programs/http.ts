/** HTTP/1.x requests: the slots of `bpf/http.bpf.c` as series. */
import { readdirSync } from 'node:fs';
import { NO_ANSWER } from '../../../wire/metrics';
import type { Deltas } from '../../history/deltas';
import type { Labels, SeriesTable, Target } from '../../history/series';
import type { Owner } from '../../identity/owners';
import { Carried } from '../carried';
import {
  HttpCountersOffsets,
  HttpKeyOffsets,
  HttpMethod,
  HttpRole,
  HttpSlotOffsets,
  maps,
  readHttpKey,
  rodata,
  type HttpKey,
} from '../generated/http';
import { Histograms } from '../histograms';
import { metric } from '../metric';
import { LoadedObject } from '../object';
import { OTHER, type Program, type ProgramContext, type ProgramStatus } from '../program';
import { Slots, type SlotSeries } from '../slots';

type Counter = Exclude<keyof typeof HttpCountersOffsets, 'unused'>;

/** HTTP_STATUS_OTHER of bpf/http.h: the series of a cgroup that has as many as it may have. */
const STATUS_OTHER = 65_535;

/** The series of one slot. Each exists from the moment it has something to tell: without an answer there is no first byte. */
class HttpSlotSeries implements SlotSeries {
  readonly #table: SeriesTable;
  readonly #side: 'server' | 'client';
  readonly #target: Target;
  readonly #own: Labels;
  #durationId?: number;
  #timeToFirstByteId?: number;

  constructor(table: SeriesTable, role: HttpRole, target: Target, own: Labels) {
    this.#table = table;
    this.#side = role === HttpRole.HTTP_ROLE_SERVER ? 'server' : 'client';
    this.#target = target;
    this.#own = own;
  }

  get durationId(): number {
    return (this.#durationId ??= this.#intern('request_duration'));
  }

  get timeToFirstByteId(): number {
    return (this.#timeToFirstByteId ??= this.#intern('time_to_first_byte'));
  }

  /** Whether its owner has more series than it may have, and this is the one for all others. */
  get isRest(): boolean {
    return this.#own.status === OTHER;
  }

  get target(): Target {
    return this.#target;
  }

  release(): void {
    [this.#durationId, this.#timeToFirstByteId].forEach((id) => id !== undefined && this.#table.release(id));
  }

  #intern(what: string): number {
    return this.#table.intern(metric(`http_${this.#side}_${what}_seconds`), this.#target, this.#own).id;
  }
}

export class HttpProgram implements Program {
  readonly name = 'http';
  readonly #context: ProgramContext;
  readonly #object: LoadedObject;
  readonly #count: number;
  readonly #slots: Slots<HttpSlotSeries>;
  /** The first slots, one a role. */
  readonly #others: readonly HttpSlotSeries[];
  readonly #carried = new Carried();
  readonly #durations: Histograms;
  readonly #timesToFirstByte: Histograms;
  readonly #counters: BigUint64Array;
  /** Few, and shared by the series of all owners. */
  readonly #own = new Map<string, Labels>();

  constructor(context: ProgramContext) {
    const { maxSeries, maxSeriesPerContainer } = context.limits;
    this.#context = context;
    this.#count = maxSeries + HttpRole.HTTP_ROLES;
    this.#object = LoadedObject.open('http', context, {
      sizes: {
        series: maxSeries,
        series_of_owner: maxSeries,
        slots: this.#count,
        free_slots: maxSeries,
        counters: possibleCpus(),
      },
      constants: (image) => image.setUint32(rodata.maxSeriesOfOwner.offset, maxSeriesPerContainer, true),
      cgroup: { http_ingress: 'cgroup_skb/ingress', http_egress: 'cgroup_skb/egress' },
      tracing: [
        {
          program: 'http_close',
          optional:
            'requests on connections that time out stay in flight (socket storage in tracing programs needs Linux 5.11)',
        },
      ],
    });
    this.#object.fillQueue('free_slots', HttpRole.HTTP_ROLES, this.#count);
    const memory = this.#object.map('slots').memory();
    this.#durations = new Histograms(memory, maps.slots.valueSize, HttpSlotOffsets.duration);
    this.#timesToFirstByte = new Histograms(memory, maps.slots.valueSize, HttpSlotOffsets.timeToFirstByte);
    this.#counters = new BigUint64Array(this.#object.map('counters').memory());
    this.#slots = new Slots(this.#object, context, {
      slotBytes: maps.slots.valueSize,
      keyBytes: maps.series.keySize,
      cgroupIdAt: HttpKeyOffsets.cgroupId,
      seriesOf: (keys, at, owner) => {
        const key = readHttpKey(keys, at);
        return new HttpSlotSeries(context.series, key.role, owner.target, this.#ownLabelsOf(key));
      },
      onFree: (slot, series) => this.#onFree(slot, series),
    });
    this.#others = [HttpRole.HTTP_ROLE_CLIENT, HttpRole.HTTP_ROLE_SERVER].map(
      (role) => new HttpSlotSeries(context.series, role, context.other, { method: OTHER, status: OTHER })
    );
  }

  tick(into: Deltas): void {
    this.#tell(into, true);
  }

  peek(into: Deltas): void {
    this.#tell(into, false);
  }

  totals(into: Deltas): void {
    for (let slot = 0; slot < this.#count; slot++) {
      const series = this.#durations.used(slot) ? this.#seriesOf(slot) : undefined;
      if (series) {
        this.#tellTotal(slot, series, into);
      }
    }
    this.#carried.tell(into);
  }

  setExcluded(cgroupId: bigint, excluded: boolean): void {
    this.#slots.update();
    this.#slots.setExcluded(cgroupId, excluded);
    this.#forgetCount(cgroupId);
  }

  reclaim(departed: Iterable<Owner>): void {
    // A request is counted by the id of its cgroup, never by a slot that was looked up before.
    this.#slots.reclaim(departed, () => true).forEach((cgroupId) => this.#forgetCount(cgroupId));
    this.#carried.keep((id) => this.#context.series.isLive(id));
  }

  holds(owner: Owner): boolean {
    return this.#slots.holds(owner);
  }

  status(): ProgramStatus {
    // One copy, so that what is told adds up as nearly as memory that moves on can.
    const counters = this.#counters.slice();
    const sum = (counter: Counter) => sumOverCpus(counters, counter);
    const loss = (counter: string, value: number, help: string) => ({ program: this.name, counter, value, help });
    return {
      programs: this.#object.programs(),
      series: [{ program: this.name, used: this.#slots.used, limit: this.#context.limits.maxSeries }],
      losses: [
        loss('seen', sum('seen'), 'Requests whose start line was read.'),
        loss('recorded', sum('recorded'), 'Requests counted, with their time.'),
        loss('in_flight', sum('started') - sum('ended'), 'Requests that wait for the end of their answer.'),
        loss(
          'unparsed',
          sum('unparsed'),
          'Requests lost track of: a hole in the stream, or an answer that is not HTTP.'
        ),
        loss('overflowed', sum('overflowed'), 'Requests deeper in a pipeline than is followed.'),
        loss('excluded', sum('excluded'), 'Requests that were under way when their owner was excluded.'),
        loss('other', sum('other'), 'Of the recorded: counted under “other”, as the table of series was full.'),
        loss(
          'capped',
          sum('capped'),
          'Of the recorded: counted under their container’s “other”, which has as many series as it may have.'
        ),
        loss(
          'unmatched',
          sum('unmatched'),
          'Answers whose request was not seen: the connection is older than the agent.'
        ),
        loss('refused', sum('refused'), 'Connections the kernel gave no memory for.'),
      ],
      notices: this.#notices(sum('other')),
      kernelMapBytes: this.#object.kernelMapBytes(),
    };
  }

  close(): void {
    this.#object.close();
  }

  #tell(into: Deltas, advance: boolean): void {
    for (let slot = 0; slot < this.#count; slot++) {
      if (!this.#durations.moved(slot)) {
        continue;
      }
      const series = this.#seriesOf(slot);
      if (!series) {
        continue;
      }
      this.#durations.tell(slot, series.durationId, into, advance);
      if (this.#timesToFirstByte.moved(slot)) {
        this.#timesToFirstByte.tell(slot, series.timeToFirstByteId, into, advance);
      }
    }
  }

  #tellTotal(slot: number, series: HttpSlotSeries, into: Deltas): void {
    this.#durations.total(slot, series.durationId, into);
    if (this.#timesToFirstByte.used(slot)) {
      this.#timesToFirstByte.total(slot, series.timeToFirstByteId, into);
    }
  }

  /** A slot that moves and has no name yet is new: then, and only then, the kernel's index is read. */
  #seriesOf(slot: number): HttpSlotSeries | undefined {
    if (slot < HttpRole.HTTP_ROLES) {
      return this.#others[slot];
    }
    if (!this.#slots.get(slot)) {
      this.#slots.update();
    }
    return this.#slots.get(slot);
  }

  #onFree(slot: number, series: HttpSlotSeries): void {
    if (this.#durations.used(slot)) {
      this.#tellTotal(slot, series, this.#carried.add);
    }
    this.#durations.reset(slot);
    this.#timesToFirstByte.reset(slot);
  }

  /** The kernel counts how many series a cgroup has: it has none now. */
  #forgetCount(cgroupId: bigint): void {
    this.#object.map('series_of_owner').delete(new BigUint64Array([cgroupId]));
  }

  #ownLabelsOf({ method, status }: HttpKey): Labels {
    const own =
      status === STATUS_OTHER
        ? { method: OTHER, status: OTHER }
        : { method: methodName(method), status: status === 0 ? NO_ANSWER : String(status) };
    const key = `${own.method} ${own.status}`;
    const known = this.#own.get(key) ?? own;
    this.#own.set(key, known);
    return known;
  }

  #notices(other: number): string[] {
    const { maxSeries, maxSeriesPerContainer } = this.#context.limits;
    const notices = this.#object.notices();
    if (this.#slots.used >= maxSeries) {
      notices.push(
        `All ${maxSeries} HTTP series are in use; what is new is counted under “other”. Raise --max-series.`
      );
    } else if (other > 0) {
      notices.push(`${other} requests were counted under “other”, when all ${maxSeries} HTTP series were in use.`);
    }
    const capped: string[] = [];
    this.#slots.forEach((series) => series.isRest && capped.push(nameOf(series.target)));
    if (capped.length > 0) {
      notices.push(
        `More than ${maxSeriesPerContainer} HTTP series each have ${listed(capped)}; the rest of theirs is counted ` +
          'under their own “other”. Raise --max-series-per-container.'
      );
    }
    if (this.#slots.unlisted > 0) {
      notices.push(
        `${this.#slots.unlisted} excluded cgroups are measured all the same, and hidden: there are too many.`
      );
    }
    return notices;
  }
}

/** What an operator would look for. */
function nameOf({ labels }: Target): string {
  const names = [labels.namespace, labels.pod, labels.container].filter(Boolean);
  return names.length > 0 ? names.join('/') : (labels.workload ?? labels.cgroup ?? '');
}

function listed(names: readonly string[]): string {
  const MOST = 5;
  const shown = [...new Set(names)];
  return shown.length > MOST ? `${shown.slice(0, MOST).join(', ')} and ${shown.length - MOST} more` : shown.join(', ');
}

function sumOverCpus(counters: BigUint64Array, counter: Counter): number {
  const stride = maps.counters.valueSize / 8;
  let sum = 0;
  for (let at = HttpCountersOffsets[counter] / 8; at < counters.length; at += stride) {
    sum += Number(counters[at]);
  }
  return sum;
}

/** OpenTelemetry's `http.request.method`: the known ones, and `_OTHER`. */
function methodName(method: HttpMethod): string {
  return method === HttpMethod.HTTP_METHOD_OTHER ? '_OTHER' : HttpMethod[method].replace('HTTP_METHOD_', '');
}

/** CPUs that may ever come online: programs index by their numbers. */
function possibleCpus(): number {
  return readdirSync('/sys/devices/system/cpu').filter((name) => /^cpu\d+$/.test(name)).length;
}
