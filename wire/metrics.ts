/**
 * The catalogue: every metric Ringside serves, named by OpenTelemetry's semantic conventions in their Prometheus
 * spelling. The agent validates queries against it, the plugin builds its editors from it.
 */
import { LATENCY_MIN_EXPONENT, LIFETIME_MIN_EXPONENT } from './exponents';

/** Labels that say whose series it is; on every series, empty where unknown. */
export const TARGET_LABELS = ['node', 'namespace', 'pod', 'container', 'workload', 'cgroup'] as const;
export type TargetLabel = (typeof TARGET_LABELS)[number];

/** Labels that say what happened. */
export const OWN_LABELS = ['method', 'status', 'role', 'reason', 'direction'] as const;
export type OwnLabel = (typeof OWN_LABELS)[number];

export const LABELS = [...TARGET_LABELS, ...OWN_LABELS] as const;
export type LabelName = (typeof LABELS)[number];

export type MetricKind = 'histogram' | 'counter' | 'gauge';
/** Base unit of the values; counts of things have the thing as their unit, as OpenTelemetry writes it. */
export type MetricUnit = 'seconds' | 'bytes' | 'connections' | 'segments' | 'resets';

/** What can be asked of a metric. */
export const SELECTS = [
  'rate',
  'increase',
  'avg',
  'quantile',
  'heatmap',
  'histogram',
  'error_ratio',
  'value',
] as const;
export type Select = (typeof SELECTS)[number];

export interface Metric {
  name: string;
  kind: MetricKind;
  unit: MetricUnit;
  /** The metric's own labels; the target labels come on top. */
  labels: readonly OwnLabel[];
  /** One sentence. */
  help: string;
  selects: readonly Select[];
  /** Of a histogram: where its range starts, as a power of two of a second. */
  minExponent: number;
}

const HISTOGRAM_SELECTS = ['quantile', 'rate', 'increase', 'avg', 'heatmap', 'histogram'] as const;
const COUNTER_SELECTS = ['rate', 'increase'] as const;
const GAUGE_SELECTS = ['value', 'avg'] as const;

function histogram(name: string, labels: readonly OwnLabel[], help: string, rest: Partial<Metric> = {}): Metric {
  return {
    name,
    kind: 'histogram',
    unit: 'seconds',
    labels,
    help,
    selects: HISTOGRAM_SELECTS,
    minExponent: LATENCY_MIN_EXPONENT,
    ...rest,
  };
}

function counter(name: string, unit: MetricUnit, labels: readonly OwnLabel[], help: string): Metric {
  return { name, kind: 'counter', unit, labels, help, selects: COUNTER_SELECTS, minExponent: LATENCY_MIN_EXPONENT };
}

const HTTP_SELECTS = { selects: [...HISTOGRAM_SELECTS, 'error_ratio'] as const };

export const METRICS: readonly Metric[] = [
  histogram(
    'http_server_request_duration_seconds',
    ['method', 'status'],
    'Time from the first byte of a request to the last byte of its answer, on the server’s side.',
    HTTP_SELECTS
  ),
  histogram(
    'http_client_request_duration_seconds',
    ['method', 'status'],
    'Time from the first byte of a request to the last byte of its answer, on the client’s side.',
    HTTP_SELECTS
  ),
  histogram(
    'http_server_time_to_first_byte_seconds',
    ['method', 'status'],
    'Time from the first byte of a request to the first byte of its answer, on the server’s side.',
    HTTP_SELECTS
  ),
  histogram(
    'http_client_time_to_first_byte_seconds',
    ['method', 'status'],
    'Time from the first byte of a request to the first byte of its answer, on the client’s side.',
    HTTP_SELECTS
  ),
  histogram('tcp_connect_duration_seconds', ['role'], 'Time a client’s TCP handshake took.'),
  histogram('tcp_connection_duration_seconds', ['role'], 'Time from a connection’s establishment to its end.', {
    minExponent: LIFETIME_MIN_EXPONENT,
  }),
  histogram(
    'tcp_rtt_seconds',
    ['role'],
    'The kernel’s smoothed round-trip time of each open connection, sampled once a second and at its end.'
  ),
  counter('tcp_connections_opened_total', 'connections', ['role'], 'TCP connections established.'),
  counter('tcp_connections_closed_total', 'connections', ['role'], 'Established TCP connections that ended.'),
  counter(
    'tcp_connections_failed_total',
    'connections',
    ['role', 'reason'],
    'TCP connections that were tried and not established.'
  ),
  counter('tcp_retransmits_total', 'segments', ['role'], 'TCP segments sent again.'),
  counter('tcp_resets_total', 'resets', ['role', 'direction'], 'TCP resets sent and received.'),
  counter(
    'tcp_bytes_total',
    'bytes',
    ['role', 'direction'],
    'Payload bytes sent and acknowledged, and payload bytes received.'
  ),
  {
    name: 'tcp_connections_active',
    kind: 'gauge',
    unit: 'connections',
    labels: ['role'],
    help: 'TCP connections that are established now.',
    selects: GAUGE_SELECTS,
    minExponent: LATENCY_MIN_EXPONENT,
  },
];

export type MetricName = string;

/** The reasons of `tcp_connections_failed_total`, in the order of the kernel's counters. */
export const FAILURE_REASONS = ['refused', 'timeout', 'unreachable', 'reset', 'other'] as const;

/** The status of a request whose connection ended before an answer came. */
export const NO_ANSWER = 'none';

/** What `error_ratio` counts as an error: 5xx, and no answer at all. */
export function isErrorStatus(status: string): boolean {
  return status === NO_ANSWER || (status.length === 3 && status[0] === '5');
}

/** The labels a metric's series carry. */
export function labelsOf(metric: Metric): LabelName[] {
  return [...TARGET_LABELS, ...metric.labels];
}
