import { getBackendSrv } from '@grafana/runtime';
import { map, type Observable } from 'rxjs';
import type { QueryAnswer } from '../wire/answer';
import type { Matcher, QueryRequest } from '../wire/query';
import type { LabelValues, MetricsAnswer, Status } from '../wire/status';

/** Which values of a label are wanted. */
export interface ValuesRequest {
  label: string;
  metric?: string;
  where?: Matcher[];
  /** Milliseconds since 1970. */
  from?: number;
  to?: number;
}

/** The agent's API, reached through Grafana's data proxy. Failures come out as Grafana's `FetchError`. */
export class Agent {
  /** @param url the data source's address under Grafana, `/api/datasources/proxy/uid/…` */
  constructor(private readonly url: string) {}

  status(): Observable<Status> {
    return this.request('GET', '/api/v1/status');
  }

  metrics(): Observable<MetricsAnswer> {
    return this.request('GET', '/api/v1/metrics');
  }

  labelValues({ label, metric, where = [], from, to }: ValuesRequest): Observable<LabelValues> {
    return this.request('GET', `/api/v1/labels/${encodeURIComponent(label)}/values`, {
      params: {
        ...(metric && { metric }),
        ...(where.length > 0 && {
          match: where.map(({ label: name, op, value }) => name + op + JSON.stringify(value)),
        }),
        ...(from !== undefined && { from }),
        ...(to !== undefined && { to }),
      },
    });
  }

  /** @param requestId Grafana's; a later request with the same one, or the user, cancels this one */
  query(body: QueryRequest, requestId: string): Observable<QueryAnswer> {
    return this.request('POST', '/api/v1/query', { data: body, requestId });
  }

  private request<T>(
    method: 'GET' | 'POST',
    path: string,
    rest: { params?: Record<string, unknown>; data?: unknown; requestId?: string } = {}
  ): Observable<T> {
    return (
      getBackendSrv()
        // Every caller shows its failures where they belong; Grafana's own toast would be a second one.
        .fetch<T>({ url: this.url + path, method, showErrorAlert: false, ...rest })
        .pipe(map(({ data }) => data))
    );
  }
}
