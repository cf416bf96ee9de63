/** What each counter and each histogram of a TCP slot is called in the catalogue. */
import { FAILURE_REASONS, type Metric } from '../../wire/metrics';
import type { Labels, SeriesTable, Target } from '../history/series';
import { TcpLiveOffsets, TcpRole, TcpSlotOffsets } from './generated/tcp';
import { metric } from './metric';
import type { SlotSeries } from './slots';

export interface TcpCounter {
  metric: Metric;
  labels: Labels;
  /** Bytes from the start of a slot. */
  at: number;
  /** Where the share of the connections that are still open lies in a `struct tcp_live`. */
  liveAt?: number;
  /** Whether each handshake ends as one of these. */
  isOutcome: boolean;
}

export interface TcpHistogram {
  metric: Metric;
  /** Bytes from the start of a slot. */
  at: number;
}

const OUTCOMES = ['tcp_connections_opened_total', 'tcp_connections_failed_total'];

export const TCP_COUNTERS: readonly TcpCounter[] = [
  counter('tcp_connections_opened_total', TcpSlotOffsets.opened),
  counter('tcp_connections_closed_total', TcpSlotOffsets.closed),
  ...FAILURE_REASONS.map((reason, i) =>
    counter('tcp_connections_failed_total', TcpSlotOffsets.failed + i * BigUint64Array.BYTES_PER_ELEMENT, { reason })
  ),
  counter('tcp_retransmits_total', TcpSlotOffsets.retransmits),
  counter('tcp_resets_total', TcpSlotOffsets.resetsSent, { direction: 'sent' }),
  counter('tcp_resets_total', TcpSlotOffsets.resetsReceived, { direction: 'received' }),
  counter('tcp_bytes_total', TcpSlotOffsets.bytesSent, { direction: 'sent' }, TcpLiveOffsets.bytesSent),
  counter('tcp_bytes_total', TcpSlotOffsets.bytesReceived, { direction: 'received' }, TcpLiveOffsets.bytesReceived),
];

export const TCP_HISTOGRAMS: readonly TcpHistogram[] = [
  { metric: metric('tcp_connect_duration_seconds'), at: TcpSlotOffsets.connect },
  { metric: metric('tcp_connection_duration_seconds'), at: TcpSlotOffsets.lifetime },
  { metric: metric('tcp_rtt_seconds'), at: TcpSlotOffsets.rtt },
];

const ACTIVE = metric('tcp_connections_active');

function counter(name: string, at: number, labels: Labels = {}, liveAt?: number): TcpCounter {
  return { metric: metric(name), labels, at, liveAt, isOutcome: OUTCOMES.includes(name) };
}

/** What tells the series of one slot from those of another owner's: the same objects for all owners. */
interface End {
  role: Labels;
  own: ReadonlyMap<TcpCounter, Labels>;
}

const CLIENT = end('client');
const SERVER = end('server');

function end(role: string): End {
  return { role: { role }, own: new Map(TCP_COUNTERS.map((counter) => [counter, { role, ...counter.labels }])) };
}

/** The series of one slot: of one owner, at one end. Histograms exist from the moment they have something to tell. */
export class TcpSlotSeries implements SlotSeries {
  readonly #table: SeriesTable;
  readonly #target: Target;
  readonly #end: End;
  readonly #ids = new Map<TcpCounter | TcpHistogram, number>();
  #activeId?: number;

  constructor(table: SeriesTable, target: Target, role: TcpRole) {
    this.#table = table;
    this.#target = target;
    this.#end = role === TcpRole.TCP_SERVER ? SERVER : CLIENT;
  }

  /**
   * Makes the counters of an owner with a name at once: that nothing was sent again is news, and a panel that says 0 says
   * more than one that says “No data”. Connections that fail are the client's, as a rule.
   */
  introduceCounters(): void {
    const counters = TCP_COUNTERS.filter(({ labels }) => labels.reason === undefined || this.#end === CLIENT);
    counters.forEach((counter) => this.idOf(counter));
  }

  /** The id of the series of a counter or histogram. */
  idOf(what: TcpCounter | TcpHistogram): number {
    let id = this.#ids.get(what);
    if (id === undefined) {
      const own = 'labels' in what ? this.#end.own.get(what) : this.#end.role;
      id = this.#table.intern(what.metric, this.#target, own).id;
      this.#ids.set(what, id);
    }
    return id;
  }

  get activeId(): number {
    return (this.#activeId ??= this.#table.intern(ACTIVE, this.#target, this.#end.role).id);
  }

  release(): void {
    this.#ids.forEach((id) => this.#table.release(id));
    if (this.#activeId !== undefined) {
      this.#table.release(this.#activeId);
    }
  }
}
