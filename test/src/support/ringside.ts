import {
  CoreApp,
  dateTime,
  type DataQueryRequest,
  type DataQueryResponse,
  type DataSourceInstanceSettings,
} from '@grafana/data';
import { lastValueFrom } from 'rxjs';
import { RingsideDataSource } from '../../../src/datasource';
import type { RingsideOptions, RingsideQuery } from '../../../src/types';
import { PROXY_URL } from './dataProxy';

export function ringside(): RingsideDataSource {
  return new RingsideDataSource({ name: 'Ringside', url: PROXY_URL } as DataSourceInstanceSettings<RingsideOptions>);
}

/** A panel's request; by default over the last minute before `toMs`, a point a second. */
export function panelRequest(
  targets: RingsideQuery[],
  { toMs = 1_790_000_060_000, ...rest }: Partial<DataQueryRequest<RingsideQuery>> & { toMs?: number } = {}
): DataQueryRequest<RingsideQuery> {
  const from = dateTime(toMs - 60_000);
  const to = dateTime(toMs);
  return {
    requestId: 'Q100',
    interval: '1s',
    intervalMs: 1000,
    maxDataPoints: 800,
    range: { from, to, raw: { from, to } },
    scopedVars: {},
    targets,
    timezone: 'utc',
    app: CoreApp.Dashboard,
    startTime: toMs,
    ...rest,
  };
}

export function ask(targets: RingsideQuery[], rest?: Parameters<typeof panelRequest>[1]): Promise<DataQueryResponse> {
  return lastValueFrom(ringside().query(panelRequest(targets, rest)));
}
