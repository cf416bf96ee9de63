/** What each counter and each histogram of a TCP slot is called in the catalogue. */
import { FAILURE_REASONS, type Metric } from '../../wire/metrics';
import type { Labels } from '../history/series';
import { TcpLiveOffsets, TcpRole, TcpSlotOffsets } from './generated/tcp';
import { metric } from './metric';

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

/** The kinds of series a slot has, in this order: the counters, the histograms, and the number of open connections. */
export const TCP_KINDS = TCP_COUNTERS.length + TCP_HISTOGRAMS.length + 1;
export const FIRST_HISTOGRAM = TCP_COUNTERS.length;
export const ACTIVE_KIND = TCP_KINDS - 1;

/** The metric and the own labels of a kind, at one end of an owner's connections. */
export function tcpSeries(kind: number, role: TcpRole): { metric: Metric; own: Labels } {
  const end = { role: role === TcpRole.TCP_SERVER ? 'server' : 'client' };
  if (kind < FIRST_HISTOGRAM) {
    const { metric, labels } = TCP_COUNTERS[kind];
    return { metric, own: { ...end, ...labels } };
  }
  return { metric: kind === ACTIVE_KIND ? ACTIVE : TCP_HISTOGRAMS[kind - FIRST_HISTOGRAM].metric, own: end };
}

/**
 * The counters an owner has from the start: that nothing was sent again is news, and a panel that says 0 says more than
 * one that says “No data”. Connections that fail are the client's, as a rule.
 */
export function introducedCounters(role: TcpRole): number[] {
  return TCP_COUNTERS.flatMap(({ labels }, kind) =>
    labels.reason === undefined || role === TcpRole.TCP_CLIENT ? [kind] : []
  );
}
