import type { Limits } from './program';
import { HTTP_KINDS } from './programs/http';
import { TCP_KINDS } from './tcp-series';

/** Of the series that are only remembered there may be so many more, as a share, before more memory is taken. */
const REMEMBERED = 1 / 3;

/** How many series there can be: all that are measured at a time, and what the history knows of others. */
export function seriesCapacity({ maxSeries, maxTcpSeries }: Limits): number {
  return Math.ceil((maxSeries * HTTP_KINDS + maxTcpSeries * TCP_KINDS) * (1 + REMEMBERED));
}
