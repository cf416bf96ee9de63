import type { Limits } from './program';
import { HTTP_KINDS } from './programs/http';
import { TCP_KINDS } from './tcp-series';

/** Of the series that are only remembered there may be so many more, as a share, before more memory is taken. */
const REMEMBERED = 1 / 3;

/** How many series there can be: all that are measured at a time, and what the history knows of others. */
export function seriesCapacity({ maxSeries, maxTcpSeries }: Limits): number {
  return Math.ceil((maxSeries * HTTP_KINDS + maxTcpSeries * TCP_KINDS) * (1 + REMEMBERED));
}

/**
 * How many stores one record can need to have undone, as a rule: a histogram that moves is five buckets and its sum. What
 * there is no room for is told one record later.
 */
const STORES_A_HTTP_SLOT = 16;
const STORES_A_TCP_SLOT = 64;

export function storesOfRecord({ maxSeries, maxTcpSeries }: Limits): number {
  return LEAST_STORES + maxSeries * STORES_A_HTTP_SLOT + maxTcpSeries * STORES_A_TCP_SLOT;
}

/** More than the largest histogram needs. */
const LEAST_STORES = 4_096;
