/** HTTP/1.x requests: the slots of `bpf/http.bpf.c` as series. */
import { readdirSync } from 'node:fs';
import { NO_ANSWER, type Metric } from '../../../wire/metrics';
import { NOBODY, type Deltas } from '../../history/deltas';
import type { Labels, Series, Target } from '../../history/series';
import type { Owner } from '../../identity/owners';
import { Baselines } from '../baselines';
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
import { SlotSeries } from '../slot-series';
import { Slots, targetOf, type ReturnedSlot } from '../slots';

type Counter = Exclude<keyof typeof HttpCountersOffsets, 'generation' | 'unused'>;

/** HTTP_STATUS_OTHER of bpf/http.h: the series of a cgroup that has as many as it may have. */
const STATUS_OTHER = 65_535;

/** The series a slot can have. Each exists from the moment it has something to tell: without an answer no first byte. */
const enum Kind {
  Duration,
  TimeToFirstByte,
}

/** By role, then by kind. */
const METRICS: Record<HttpRole, readonly Metric[]> = {
  [HttpRole.HTTP_ROLE_CLIENT]: [
    metric('http_client_request_duration_seconds'),
    metric('http_client_time_to_first_byte_seconds'),
  ],
  [HttpRole.HTTP_ROLE_SERVER]: [
    metric('http_server_request_duration_seconds'),
    metric('http_server_time_to_first_byte_seconds'),
  ],
  [HttpRole.HTTP_ROLES]: [],
};
export const HTTP_KINDS = METRICS[HttpRole.HTTP_ROLE_SERVER].length;

const OTHER_OWN: Labels = { method: OTHER, status: OTHER };

export class HttpProgram implements Program {
  readonly name = 'http';
  readonly #context: ProgramContext;
  readonly #object: LoadedObject;
  readonly #count: number;
  readonly #slots: Slots;
  readonly #series: SlotSeries;
  readonly #carried: Carried;
  readonly #durations: Histograms;
  readonly #timesToFirstByte: Histograms;
  readonly #counters: BigUint64Array;

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
            'requests whose client closes without waiting, or whose connection times out, stay in flight ' +
            '(socket storage in tracing programs needs Linux 5.11)',
        },
      ],
    });
    try {
      const memory = this.#object.map('slots').memory();
      const { valueSize } = maps.slots;
      const kept = (name: string) => ({ memory: context.memory, name: `http-${name}` });
      const baselines = new Baselines(HTTP_KINDS * this.#count, context.memory, 'http-baselines');
      this.#durations = new Histograms(memory, valueSize, HttpSlotOffsets.duration, baselines, kept('duration'));
      this.#timesToFirstByte = new Histograms(
        memory,
        valueSize,
        HttpSlotOffsets.timeToFirstByte,
        baselines,
        kept('first-byte')
      );
      this.#counters = new BigUint64Array(this.#object.map('counters').memory(true));
      this.#slots = new Slots(this.#object, context, {
        name: this.name,
        memory: context.memory,
        slots: this.#count,
        others: HttpRole.HTTP_ROLES,
        slotBytes: valueSize,
        keyBytes: maps.series.keySize,
        cgroupIdAt: HttpKeyOffsets.cgroupId,
        onReturn: (slots) => this.#onReturn(slots),
        onClear: (slot) => this.#onClear(slot),
        onRetire: (cgroupId) => {
          this.#beginGeneration();
          // The kernel counts how many series a cgroup has: it has none now.
          this.#object.map('series_of_owner').delete(new BigUint64Array([cgroupId]));
        },
      });
      this.#series = new SlotSeries(context.series, this.#count, HTTP_KINDS, (slot, kind) => this.#intern(slot, kind));
      this.#carried = new Carried({ series: context.series, memory: context.memory, name: 'http-carried' });
      if (this.#object.isNew) {
        this.#object.fillQueue('free_slots', HttpRole.HTTP_ROLES, this.#count);
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
    this.#beginGeneration();
    this.#forgetCounts();
    // Whatever was counted has its series from now on: what goes on in another slot can be told from what does not.
    this.totals(NOBODY);
    this.#carried.restore((cgroup) => targetOf(this.#slots.owners, cgroup));
    this.#slots.finish();
  }

  /**
   * Series are out of the kernel's index: whatever connection remembers the slot of one looks it up again. Another agent
   * may have ended before it had said so to each CPU, so it is the next one for all of them.
   */
  #beginGeneration(): void {
    const first = HttpCountersOffsets.generation / 8;
    const stride = maps.counters.valueSize / 8;
    let latest = 0n;
    for (let at = first; at < this.#counters.length; at += stride) {
      latest = this.#counters[at] > latest ? this.#counters[at] : latest;
    }
    for (let at = first; at < this.#counters.length; at += stride) {
      this.#counters[at] = latest + 1n;
    }
  }

  /** The kernel counts how many series a cgroup has: of those that have none, the other agent may have had no time. */
  #forgetCounts(): void {
    const counts = this.#object.map('series_of_owner');
    const { keys } = counts.entries();
    const counted = new Set([...this.#slots.owners].map(({ cgroupId }) => cgroupId));
    for (const cgroupId of new BigUint64Array(keys.buffer, keys.byteOffset, keys.length / 8)) {
      if (!counted.has(cgroupId)) {
        counts.delete(new BigUint64Array([cgroupId]));
      }
    }
  }

  tick(into: Deltas): void {
    this.#tell(into, true);
  }

  peek(into: Deltas): void {
    this.#tell(into, false);
  }

  totals(into: Deltas): void {
    for (let slot = 0; slot < this.#count; slot++) {
      if (this.#durations.used(slot) && this.#isKnown(slot)) {
        this.#tellTotal(slot, into);
      }
    }
    this.#carried.tell(into);
  }

  setExcluded(cgroupId: bigint, excluded: boolean): void {
    this.#slots.update();
    this.#slots.setExcluded(cgroupId, excluded);
  }

  reclaim(departed: Iterable<Owner>): void {
    // A request is counted by the id of its cgroup, never by a slot that was looked up before.
    this.#slots.reclaim(
      departed,
      (slot) => !this.#durations.hasUntold(slot) && !this.#timesToFirstByte.hasUntold(slot)
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
    // One copy, so that what is told adds up as nearly as memory that moves on can.
    const counters = this.#counters.slice();
    const sum = (counter: Counter) => sumOverCpus(counters, counter);
    const fates = sum('recorded') + sum('unparsed') + sum('overflowed') + sum('excluded');
    const forgotten = this.#forgotten(sum('early'), sum('adopted'));
    const loss = (counter: string, value: number, help: string) => ({ program: this.name, counter, value, help });
    return {
      programs: this.#object.programs(),
      series: [{ program: this.name, used: this.#slots.used, limit: this.#context.limits.maxSeries }],
      losses: [
        loss('seen', sum('seen'), 'Requests whose start line was read.'),
        loss('recorded', sum('recorded'), 'Requests counted, with their time.'),
        loss('in_flight', sum('seen') - fates, 'Requests that wait for the end of their answer.'),
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
          'Answers whose request was not seen: the connection is older than the agent, or found no room.'
        ),
        loss('refused', sum('refused'), 'Requests on connections the kernel gave no memory for.'),
        loss(
          'forgotten',
          forgotten,
          'Connections that sent before they had a socket, and were forgotten as too many did at once.'
        ),
        loss(
          'lost',
          sum('lost'),
          'Times the place in a stream was lost: requests in it are not seen until it is found again.'
        ),
      ],
      notices: this.#notices(sum('other'), sum('refused'), forgotten),
      kernelMapBytes: this.#object.kernelMapBytes(),
    };
  }

  close(): void {
    this.#object.close();
  }

  #tell(into: Deltas, advance: boolean): void {
    for (let slot = 0; slot < this.#count; slot++) {
      if (!this.#durations.moved(slot) || !this.#isKnown(slot)) {
        continue;
      }
      this.#durations.tell(slot, this.#series.idOf(slot, Kind.Duration), into, advance);
      if (this.#timesToFirstByte.moved(slot)) {
        this.#timesToFirstByte.tell(slot, this.#series.idOf(slot, Kind.TimeToFirstByte), into, advance);
      }
    }
  }

  #tellTotal(slot: number, into: Deltas): void {
    this.#durations.total(slot, this.#series.idOf(slot, Kind.Duration), into);
    if (this.#timesToFirstByte.used(slot)) {
      this.#timesToFirstByte.total(slot, this.#series.idOf(slot, Kind.TimeToFirstByte), into);
    }
  }

  /** A slot that moves and is nobody's yet is new: then, and only then, the kernel's index is read. */
  #isKnown(slot: number): boolean {
    if (slot < HttpRole.HTTP_ROLES || this.#slots.ownerOf(slot)) {
      return true;
    }
    this.#slots.update();
    return this.#slots.ownerOf(slot) !== undefined;
  }

  /** The first slots, one a role, are nobody's own. */
  #intern(slot: number, kind: Kind): Series {
    const { series, other } = this.#context;
    const owner = this.#slots.ownerOf(slot);
    if (!owner) {
      return series.intern(METRICS[slot as HttpRole][kind], other, OTHER_OWN);
    }
    const key = this.#keyOf(slot);
    return series.intern(METRICS[key.role as HttpRole][kind], owner.target, ownLabelsOf(key));
  }

  #keyOf(slot: number): HttpKey {
    return readHttpKey(this.#slots.keys, this.#slots.keyAt(slot));
  }

  #onReturn(slots: readonly ReturnedSlot[]): void {
    this.#carried.add((after, into) => {
      const untold = slots.filter(({ slot, number }) => number > after && this.#durations.used(slot));
      untold.forEach(({ slot }) => this.#tellTotal(slot, into));
      slots.forEach(({ slot }) => this.#series.release(slot));
    }, slots.at(-1)!.number);
  }

  #onClear(slot: number): void {
    this.#durations.reset(slot);
    this.#timesToFirstByte.reset(slot);
  }

  /**
   * Beginnings of connections that waited for their sockets and made room for newer ones. The kernel drops them without
   * a word: they are what came, less what found its socket, less what is there.
   */
  #forgotten(early: number, adopted: number): number {
    return early > adopted ? Math.max(0, early - adopted - this.#object.map('early').entries().count) : 0;
  }

  #notices(other: number, refused: number, forgotten: number): string[] {
    const { maxSeries, maxSeriesPerContainer } = this.#context.limits;
    const notices = this.#object.notices();
    if (refused > 0) {
      notices.push(
        `The kernel gave no memory for the connections of ${refused} requests: these are not counted. ` +
          'Raise net.core.optmem_max where their sockets are, or free memory on the node.'
      );
    }
    if (forgotten > 0) {
      notices.push(
        `More than ${this.#object.map('early').maxEntries} connections at once had sent a request before they had a ` +
          `socket; the first requests of up to ${forgotten} are not counted.`
      );
    }
    if (this.#slots.used >= maxSeries) {
      notices.push(
        `All ${maxSeries} HTTP series are in use; what is new is counted under “other”. Raise --max-series.`
      );
    } else if (other > 0) {
      notices.push(`${other} requests were counted under “other”, when all ${maxSeries} HTTP series were in use.`);
    }
    const capped: string[] = [];
    this.#slots.forEach((slot) => {
      if (this.#keyOf(slot).status === STATUS_OTHER) {
        capped.push(nameOf(this.#slots.ownerOf(slot)!.target));
      }
    });
    if (capped.length > 0) {
      notices.push(
        `More than ${maxSeriesPerContainer} HTTP series each have ${listed(capped)}; the rest of theirs is counted ` +
          'under their own “other”. Raise --max-series-per-container.'
      );
    }
    notices.push(...this.#slots.notices());
    return notices;
  }
}

function ownLabelsOf({ method, status }: HttpKey): Labels {
  return status === STATUS_OTHER
    ? OTHER_OWN
    : { method: methodName(method), status: status === 0 ? NO_ANSWER : String(status) };
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
