import http from 'node:http';
import { setBackendSrv, type BackendSrv, type BackendSrvRequest, type FetchResponse } from '@grafana/runtime';
import { Observable } from 'rxjs';

/** What comes back through Grafana's data proxy: JSON already parsed, anything else as text. */
export interface Reply {
  status: number;
  data: unknown;
}

export type Upstream = (request: BackendSrvRequest) => Reply | Promise<Reply>;

export const PROXY_URL = '/api/datasources/proxy/uid/ringside';

/** Grafana's data proxy as the plugin meets it: `getBackendSrv().fetch`, with its successes, failures and cancellation. */
export class DataProxy {
  readonly requests: BackendSrvRequest[] = [];
  /** Requests whose subscriber left before the answer came. */
  readonly abandoned: BackendSrvRequest[] = [];

  constructor(public upstream: Upstream) {
    setBackendSrv({ fetch: (request: BackendSrvRequest) => this.fetch(request) } as BackendSrv);
  }

  private fetch(request: BackendSrvRequest): Observable<FetchResponse> {
    return new Observable((subscriber) => {
      this.requests.push(request);
      let isAnswered = false;
      Promise.resolve(this.upstream(request)).then(
        ({ status, data }) => {
          isAnswered = true;
          const response = { status, statusText: http.STATUS_CODES[status], data, config: request };
          if (status >= 400) {
            // Grafana wraps a body that is not JSON.
            subscriber.error(typeof data === 'string' ? { ...response, data: { message: data } } : response);
          } else {
            subscriber.next(response as FetchResponse);
            subscriber.complete();
          }
        },
        (error) => subscriber.error(error)
      );
      return () => {
        if (!isAnswered) {
          this.abandoned.push(request);
        }
      };
    });
  }
}

/** Passes requests on over the network, and answers in place of what cannot be reached as Grafana does. */
export function proxyTo(agentUrl: string, { token }: { token?: string } = {}): Upstream {
  return ({ url, method = 'GET', params, data }) =>
    new Promise((resolve) => {
      const target = new URL(agentUrl + url.slice(PROXY_URL.length));
      for (const [name, value] of Object.entries(params ?? {})) {
        [value].flat().forEach((each) => target.searchParams.append(name, String(each)));
      }
      const headers = {
        ...(data !== undefined && { 'content-type': 'application/json' }),
        ...(token && { authorization: `Bearer ${token}` }),
      };
      const request = http.request(target, { method, headers, agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk) => (text += chunk));
        response.on('end', () =>
          resolve(
            response.statusCode === 401
              ? { status: 400, data: 'Authentication to data source failed' }
              : { status: response.statusCode!, data: parse(text) }
          )
        );
      });
      request.on('error', () => resolve({ status: 502, data: '' }));
      request.end(data === undefined ? undefined : JSON.stringify(data));
    });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
