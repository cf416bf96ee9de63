import type { QueryFields } from './types';

interface Example {
  question: string;
  /** What differs from a new panel's query. */
  fields: Partial<QueryFields>;
}

/** Questions an operator asks, with the queries that answer them. */
export const EXAMPLES: Example[] = [
  {
    question: 'Which workloads are slow?',
    fields: {},
  },
  {
    question: 'Where do the requests go, and how many a second?',
    fields: { select: 'rate' },
  },
  {
    question: 'Which workloads fail?',
    fields: { select: 'error_ratio' },
  },
  {
    question: 'Which pods are slow?',
    fields: { by: ['namespace', 'pod'], where: [{ label: 'pod', op: '!=', value: '' }] },
  },
  {
    question: 'How are durations spread, and does the shape change?',
    fields: { select: 'heatmap', format: 'heatmap', by: [], top: '' },
  },
  {
    question: 'Which answers are not 2xx, and how many of each?',
    fields: {
      select: 'increase',
      format: 'table',
      by: ['namespace', 'workload', 'method', 'status'],
      where: [{ label: 'status', op: '!~', value: '2..' }],
    },
  },
  {
    question: 'Why do connections fail?',
    fields: { metric: 'tcp_connections_failed_total', select: 'rate', by: ['reason'], top: '' },
  },
  {
    question: 'Who loses packets?',
    fields: { metric: 'tcp_retransmits_total', select: 'rate' },
  },
  {
    question: 'How far away are the peers?',
    fields: { metric: 'tcp_rtt_seconds', quantiles: [0.5, 0.99], by: ['role'], top: '' },
  },
];
