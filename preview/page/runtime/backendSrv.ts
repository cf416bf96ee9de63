/** `getBackendSrv()` as plugins know it: fetch, with Grafana's parsing and Grafana's error shape. */
import type { BackendSrv, BackendSrvRequest, FetchError, FetchResponse } from '@grafana/runtime';
import { Observable, lastValueFrom } from 'rxjs';

/** How often a request with this `requestId` has been replaced by a newer one. */
const inFlight = new Map<string, AbortController>();

export const backendSrv: BackendSrv = {
  fetch: <T>(request: BackendSrvRequest) => responseOf<T>(request, (response) => parse<T>(response, request)),
  chunked: (request) => chunks(request),
  request: async <T>(request: BackendSrvRequest) => (await lastValueFrom(backendSrv.fetch<T>(request))).data,
  datasourceRequest: async <T>(request: BackendSrvRequest) => lastValueFrom(backendSrv.fetch<T>(request)),
  get: (url, params, requestId, options) => backendSrv.request({ ...options, method: 'GET', url, params, requestId }),
  delete: (url, data, options) => backendSrv.request({ ...options, method: 'DELETE', url, data }),
  post: (url, data, options) => backendSrv.request({ ...options, method: 'POST', url, data }),
  patch: (url, data, options) => backendSrv.request({ ...options, method: 'PATCH', url, data }),
  put: (url, data, options) => backendSrv.request({ ...options, method: 'PUT', url, data }),
};

function responseOf<T>(
  request: BackendSrvRequest,
  read: (response: Response) => Promise<T>
): Observable<FetchResponse<T>> {
  return new Observable((subscriber) => {
    const controller = new AbortController();
    const abort = () => controller.abort();
    request.abortSignal?.addEventListener('abort', abort);
    if (request.requestId) {
      inFlight.get(request.requestId)?.abort();
      inFlight.set(request.requestId, controller);
    }
    send(request, controller.signal)
      .then(async (response) => {
        const data = await read(response);
        if (!response.ok) {
          throw failure(request, response, data);
        }
        subscriber.next(described(request, response, data));
        subscriber.complete();
      })
      .catch((error) =>
        subscriber.error(controller.signal.aborted ? cancelled(request) : networkError(request, error))
      );
    return () => {
      request.abortSignal?.removeEventListener('abort', abort);
      if (request.requestId && inFlight.get(request.requestId) === controller) {
        inFlight.delete(request.requestId);
      }
      abort();
    };
  });
}

function chunks(request: BackendSrvRequest): Observable<FetchResponse<Uint8Array | undefined>> {
  return new Observable((subscriber) => {
    const controller = new AbortController();
    send(request, controller.signal)
      .then(async (response) => {
        if (!response.ok) {
          throw failure(request, response, await parse(response, request));
        }
        const reader = response.body!.getReader();
        for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
          subscriber.next(described(request, response, chunk.value));
        }
        subscriber.complete();
      })
      .catch((error) => subscriber.error(networkError(request, error)));
    return () => controller.abort();
  });
}

function send(request: BackendSrvRequest, signal: AbortSignal): Promise<Response> {
  const headers = new Headers(request.headers);
  headers.set('accept', headers.get('accept') ?? 'application/json, text/plain, */*');
  headers.set('x-grafana-org-id', '1');
  let body: BodyInit | undefined;
  if (request.data !== undefined && request.method !== 'GET' && request.method !== 'HEAD') {
    const plain = typeof request.data === 'string' || request.data instanceof Blob || request.data instanceof FormData;
    body = plain ? request.data : JSON.stringify(request.data);
    if (!plain && !headers.has('content-type')) {
      headers.set('content-type', 'application/json');
    }
  }
  return fetch(withParams(request), {
    method: request.method ?? 'GET',
    headers,
    body,
    signal,
    credentials: 'same-origin',
  });
}

function withParams({ url, params }: BackendSrvRequest): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null) {
        search.append(name, String(one));
      }
    }
  }
  const suffix = search.toString();
  return suffix ? `${url}${url.includes('?') ? '&' : '?'}${suffix}` : url;
}

/** Without a `responseType`, Grafana takes JSON where it parses and text where it does not. */
async function parse<T>(response: Response, { responseType }: BackendSrvRequest): Promise<T> {
  if (responseType === 'arraybuffer') {
    return (await response.arrayBuffer()) as T;
  }
  if (responseType === 'blob') {
    return (await response.blob()) as T;
  }
  const text = await response.text();
  if (responseType === 'text') {
    return text as T;
  }
  try {
    return JSON.parse(text);
  } catch {
    return text as T;
  }
}

function described<T>(config: BackendSrvRequest, response: Response, data: T): FetchResponse<T> {
  const { status, statusText, ok, headers, redirected, type, url } = response;
  return { status, statusText, ok, headers, redirected, type, url, config, data };
}

/** A plain text body becomes `data.message`, as Grafana does, so that plugins find a message in one place. */
function failure(config: BackendSrvRequest, { status, statusText }: Response, data: unknown): FetchError {
  const body = typeof data === 'string' ? { message: data || statusText, error: statusText, response: data } : data;
  return { status, statusText, data: body ?? { message: statusText }, config };
}

function networkError(config: BackendSrvRequest, error: unknown): unknown {
  const unanswered = error instanceof TypeError;
  return unanswered ? { status: 0, statusText: error.message, data: { message: error.message }, config } : error;
}

function cancelled(config: BackendSrvRequest): FetchError {
  return {
    type: 'cancelled',
    cancelled: true,
    status: -1,
    statusText: 'Request was aborted',
    data: null,
    config,
  } as FetchError;
}
