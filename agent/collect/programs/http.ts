/** HTTP/1.x requests: the slots of `bpf/http.bpf.c` as series. */
import { readdirSync } from 'node:fs';
import { NO_ANSWER } from '../../../wire/metrics';
import type { Deltas } from '../../history/deltas';
import type { Labels, SeriesTable } from '../../history/series';
import type { BpfMap } from '../../../native';
import {
  HttpCountersOffsets,
  HttpMethod,
  HttpRole,
  HttpSlotOffsets,
  maps,
  readHttpKey,
  type HttpKey,
} from '../generated/http';
import { Histograms } from '../histograms';
import { metric } from '../metric';
import { LoadedObject } from '../object';
import { OTHER_OWNER, type Program, type ProgramContext, type ProgramStatus } from '../program';

type Counter = Exclude<keyof typeof HttpCountersOffsets, 'unused'>;

/** The series of one slot. Each exists from the moment it has something to tell: without an answer there is no first byte. */
class HttpSlotSeries {
  readonly #intern: (name: string) => number;
  readonly #side: 'server' | 'client';
  #durationId?: number;
  #timeToFirstByteId?: number;

  constructor(table: SeriesTable, role: HttpRole, labels: Labels) {
    this.#side = role === HttpRole.HTTP_ROLE_SERVER ? 'server' : 'client';
    this.#intern = (name) => table.intern(metric(name), labels).id;
  }

  get durationId(): number {
    return (this.#durationId ??= this.#intern(`http_${this.#side}_request_duration_seconds`));
  }

  get timeToFirstByteId(): number {
    return (this.#timeToFirstByteId ??= this.#intern(`http_${this.#side}_time_to_first_byte_seconds`));
  }
}

export class HttpProgram implements Program {
  readonly name = 'http';
  readonly #context: ProgramContext;
  readonly #object: LoadedObject;
  readonly #slots: number;
  readonly #series: Array<HttpSlotSeries | undefined> = [];
  readonly #durations: Histograms;
  readonly #timesToFirstByte: Histograms;
  readonly #index: BpfMap;
  readonly #counters: BigUint64Array;

  constructor(context: ProgramContext) {
    this.#context = context;
    this.#slots = context.maxSeries + HttpRole.HTTP_ROLES;
    this.#object = LoadedObject.open('http', context, {
      sizes: {
        series: context.maxSeries,
        slots: this.#slots,
        free_slots: context.maxSeries,
        counters: possibleCpus(),
      },
      cgroup: { http_ingress: 'cgroup_skb/ingress', http_egress: 'cgroup_skb/egress' },
      tracing: [
        {
          program: 'http_close',
          optional:
            'requests on connections that time out stay in flight (socket storage in tracing programs needs Linux 5.11)',
        },
      ],
    });
    this.#object.fillQueue('free_slots', HttpRole.HTTP_ROLES, this.#slots);
    const memory = this.#object.map('slots').memory();
    this.#durations = new Histograms(memory, maps.slots.valueSize, HttpSlotOffsets.duration);
    this.#timesToFirstByte = new Histograms(memory, maps.slots.valueSize, HttpSlotOffsets.timeToFirstByte);
    this.#index = this.#object.map('series');
    this.#counters = new BigUint64Array(this.#object.map('counters').memory());
  }

  tick(into: Deltas): void {
    this.#tell(into, true);
  }

  peek(into: Deltas): void {
    this.#tell(into, false);
  }

  totals(into: Deltas): void {
    for (let slot = 0; slot < this.#slots; slot++) {
      const series = this.#durations.used(slot) ? this.#seriesOf(slot) : undefined;
      if (series) {
        this.#durations.total(slot, series.durationId, into);
        if (this.#timesToFirstByte.used(slot)) {
          this.#timesToFirstByte.total(slot, series.timeToFirstByteId, into);
        }
      }
    }
  }

  status(): ProgramStatus {
    // One copy, so that what is told adds up as nearly as memory that moves on can.
    const counters = this.#counters.slice();
    const sum = (counter: Counter) => sumOverCpus(counters, counter);
    const loss = (counter: string, value: number, help: string) => ({ program: this.name, counter, value, help });
    const used = this.#series.filter((series, slot) => series && slot >= HttpRole.HTTP_ROLES).length;
    return {
      programs: this.#object.programs(),
      series: [{ program: this.name, used, limit: this.#context.maxSeries }],
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
        loss('other', sum('other'), 'Of the recorded: counted under “other”, as the table of series was full.'),
        loss(
          'unmatched',
          sum('unmatched'),
          'Answers whose request was not seen: the connection is older than the agent.'
        ),
        loss('refused', sum('refused'), 'Connections the kernel gave no memory for.'),
      ],
      notices: this.#notices(used),
      kernelMapBytes: this.#object.kernelMapBytes(),
    };
  }

  close(): void {
    this.#object.close();
  }

  #tell(into: Deltas, advance: boolean): void {
    for (let slot = 0; slot < this.#slots; slot++) {
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

  /** A slot that moves and has no name yet is new: then, and only then, the kernel's index is read. */
  #seriesOf(slot: number): HttpSlotSeries | undefined {
    if (!this.#series[slot] && slot < HttpRole.HTTP_ROLES) {
      const labels: Labels = {
        node: this.#context.node,
        cgroup: OTHER_OWNER,
        method: OTHER_OWNER,
        status: OTHER_OWNER,
      };
      this.#series[slot] = new HttpSlotSeries(this.#context.series, slot, labels);
    } else if (!this.#series[slot]) {
      this.#readIndex();
    }
    return this.#series[slot];
  }

  #readIndex(): void {
    const { keys, values, count } = this.#index.entries();
    const keyView = new DataView(keys.buffer, keys.byteOffset, keys.byteLength);
    const valueView = new DataView(values.buffer, values.byteOffset, values.byteLength);
    for (let i = 0; i < count; i++) {
      const slot = valueView.getUint32(i * maps.series.valueSize, true);
      if (!this.#series[slot]) {
        const key = readHttpKey(keyView, i * maps.series.keySize);
        this.#series[slot] = new HttpSlotSeries(this.#context.series, key.role, this.#labelsOf(key));
      }
    }
  }

  #labelsOf(key: HttpKey): Labels {
    return {
      ...this.#context.owners.labelsOf(key.cgroupId),
      method: methodName(key.method),
      status: key.status === 0 ? NO_ANSWER : String(key.status),
    };
  }

  #notices(used: number): string[] {
    const full = used >= this.#context.maxSeries;
    return [
      ...this.#object.notices(),
      ...(full
        ? [
            `All ${this.#context.maxSeries} HTTP series are in use; what is new is counted under “other”. Raise --max-series.`,
          ]
        : []),
    ];
  }
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
