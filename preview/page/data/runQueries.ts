/** Runs the queries of one panel, as Grafana's query runner does. */
import {
  CoreApp,
  type DataFrame,
  type DataQuery,
  type DataQueryError,
  type DataQueryRequest,
  type DataQueryResponse,
  type DataSourceApi,
  LoadingState,
  type PanelData,
  type ScopedVars,
  type TimeRange,
  rangeUtil,
  toDataFrame,
} from '@grafana/data';
import { toDataQueryError } from '@grafana/runtime';
import { type Observable, catchError, defer, from, isObservable, map, of, scan } from 'rxjs';

export interface QueryContext {
  app: CoreApp;
  timeRange: TimeRange;
  /** The panel's width: more points than pixels are of no use. */
  maxDataPoints: number;
  scopedVars?: ScopedVars;
  panelId?: number;
  dashboardUID?: string;
}

let requests = 0;

/** Emits the answer, or several of a streaming data source. Errors are part of what is emitted; it never throws. */
export function runQueries(
  dataSource: DataSourceApi,
  queries: DataQuery[],
  { app, timeRange, maxDataPoints, scopedVars, panelId, dashboardUID }: QueryContext
): Observable<PanelData> {
  const { interval, intervalMs } = rangeUtil.calculateInterval(timeRange, maxDataPoints, dataSource.interval);
  const request: DataQueryRequest = {
    requestId: `Q${++requests}`,
    app,
    panelId,
    dashboardUID,
    range: timeRange,
    rangeRaw: timeRange.raw,
    timezone: 'browser',
    interval,
    intervalMs,
    maxDataPoints,
    targets: queries.filter((query) => !query.hide && (dataSource.filterQuery?.(query) ?? true)),
    scopedVars: {
      ...scopedVars,
      __interval: { text: interval, value: interval },
      __interval_ms: { text: String(intervalMs), value: intervalMs },
    },
    startTime: Date.now(),
  };
  if (request.targets.length === 0) {
    return of({ state: LoadingState.Done, series: [], timeRange, request });
  }
  return defer(() => {
    const answer = dataSource.query(request);
    return isObservable(answer) ? answer : from(answer);
  }).pipe(
    scan(merge, new Map<string, DataQueryResponse>()),
    map((packets) => panelData([...packets.values()], request)),
    catchError((error) => {
      const shown = toDataQueryError(error);
      return of({ state: LoadingState.Error, series: [], timeRange, request, error: shown, errors: [shown] });
    })
  );
}

/** A later packet takes the place of an earlier one with the same key. */
function merge(packets: Map<string, DataQueryResponse>, packet: DataQueryResponse): Map<string, DataQueryResponse> {
  return new Map(packets).set(packet.key ?? packet.data[0]?.refId ?? 'A', packet);
}

function panelData(packets: DataQueryResponse[], request: DataQueryRequest): PanelData {
  const errors: DataQueryError[] = packets.flatMap((packet) => packet.errors ?? (packet.error ? [packet.error] : []));
  const frames: DataFrame[] = packets.flatMap((packet) => packet.data).map(toDataFrame);
  const isAnnotation = (frame: DataFrame) => frame.meta?.dataTopic === 'annotations';
  return {
    state: errors.length > 0 ? LoadingState.Error : (packets.at(-1)?.state ?? LoadingState.Done),
    series: frames.filter((frame) => !isAnnotation(frame)),
    annotations: frames.filter(isAnnotation),
    timeRange: request.range,
    request,
    ...(errors.length > 0 ? { error: errors[0], errors } : {}),
  };
}
