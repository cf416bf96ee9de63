/** What the three services have in common: routes, the time an answer takes, and the ways in which one goes wrong. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { chance, logNormalMs, wait } from './random';

/** How often, as a share of the requests, something goes wrong. */
export interface Faults {
  /** 500 Internal Server Error. */
  error?: number;
  /** The connection is reset, with no answer: the process behind it was killed. */
  reset?: number;
  /** The connection is closed in an orderly way, with no answer. */
  hangUp?: number;
}

export interface Route {
  method: string;
  path: RegExp;
  /** Of the service's own work; what it waits for comes on top. */
  medianMs: number;
  /** Spread of the logarithm of that: 0.5 is calm, 1 is wild. */
  sigma: number;
  faults?: Faults;
  /** The answer: a status and the size of its body. `match` is that of `path`. */
  answer(match: RegExpExecArray): Promise<Answer> | Answer;
}

export interface Answer {
  status: number;
  bytes?: number;
}

/** Serves the routes; resolves to the port it listens on. */
export function serve(routes: readonly Route[], { host, port }: { host: string; port: number }): Promise<number> {
  const server = createServer((request, response) => {
    answer(routes, request, response).catch(() => send(response, { status: 502 }));
  });
  // Longer than the callers keep an idle connection, or one would be closed just as it is taken up again.
  server.keepAliveTimeout = 30_000;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve((server.address() as { port: number }).port));
  });
}

async function answer(routes: readonly Route[], request: IncomingMessage, response: ServerResponse): Promise<void> {
  request.resume();
  const path = request.url?.split('?')[0] ?? '/';
  const route = routes.find((candidate) => candidate.method === request.method && candidate.path.test(path));
  const match = route?.path.exec(path);
  if (!route || !match) {
    send(response, { status: 404 });
    return;
  }
  await wait(logNormalMs(route.medianMs, route.sigma));
  const { error = 0, reset = 0, hangUp = 0 } = route.faults ?? {};
  if (chance(reset)) {
    request.socket.resetAndDestroy();
  } else if (chance(hangUp)) {
    request.socket.destroy();
  } else {
    send(response, chance(error) ? { status: 500 } : await route.answer(match));
  }
}

function send(response: ServerResponse, { status, bytes = 64 }: Answer): void {
  if (response.destroyed) {
    return;
  }
  // These two have no body, and 204 must not announce one either.
  const headers = status === 204 || status === 304 ? {} : { 'content-type': 'text/plain', 'content-length': bytes };
  response.writeHead(status, headers);
  response.end(Buffer.alloc(bytes, '.'));
}
