/** How the app meets the network: limits on what a client may make it wait for or hold, TLS, and the address. */
import type { Socket } from 'node:net';
import type { FastifyBaseLogger, FastifyInstance, FastifyServerOptions } from 'fastify';
import { ERRORS, WireError } from '../../wire/errors';
import { LIMITS } from '../../wire/limits';
import type { TlsFiles } from '../config';
import { Refusal } from '../refusal';
import { answerError } from './errors';
import { RequestLog } from './request-log';
import { readTls } from './tls';
import { validatorCompiler } from './validation';

export interface Listening {
  logger?: FastifyBaseLogger;
  tls?: TlsFiles;
}

const LIMITS_OF_A_CONNECTION = {
  /** From the first byte of a request to the last of its body. */
  requestTimeout: 15_000,
  headersTimeout: 10_000,
  /** Without a byte in either direction: a reader that has gone to sleep does not keep its answer here. */
  connectionTimeout: 30_000,
  /** Longer than the 90 s Go's client, and with it Grafana's proxy, keeps an idle connection: it closes first. */
  keepAliveTimeout: 95_000,
  maxHeaderSize: 16 * 1024,
} as const;

/** Sockets at a time; a node has one Grafana or two, a Prometheus or two, and its peers. */
const MAX_CONNECTIONS = 1_000;

/** Said among the options, Fastify does not load its own. The type asks for one of ajv's, of which nothing is used. */
const OUR_VALIDATOR = {
  compilersFactory: { buildValidator: () => validatorCompiler },
} as unknown as FastifyServerOptions['schemaController'];

export function serverOptions({ logger, tls }: Listening): FastifyServerOptions {
  const { requestTimeout, headersTimeout, connectionTimeout, keepAliveTimeout, maxHeaderSize } = LIMITS_OF_A_CONNECTION;
  return {
    ...(logger ? { loggerInstance: logger } : {}),
    logController: new RequestLog(),
    schemaController: OUR_VALIDATOR,
    bodyLimit: LIMITS.bodyBytes,
    requestTimeout,
    connectionTimeout,
    keepAliveTimeout,
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    frameworkErrors: answerError,
    clientErrorHandler: answerMalformed,
    ...(tls
      ? { https: { ...readTls(tls), headersTimeout, maxHeaderSize } }
      : { http: { headersTimeout, maxHeaderSize } }),
  } as FastifyServerOptions;
}

/** What is not HTTP never reaches a route; it is answered here, on the bare socket. */
function answerMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const why =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? `The headers may have ${LIMITS_OF_A_CONNECTION.maxHeaderSize} bytes.`
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? 'The request took too long to arrive.'
        : 'This is not an HTTP/1.1 request.';
  const body = JSON.stringify(new WireError('malformed_request', why).toBody());
  socket.end(
    `HTTP/1.1 ${ERRORS.malformed_request.status} Bad Request\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`
  );
}

/**
 * @param host empty for every address of the machine
 * @param flag what the address was given with
 * @returns where it answers
 * @throws Refusal
 */
export async function listen(
  app: FastifyInstance,
  { host, port }: { host: string; port: number },
  flag = '--listen'
): Promise<string> {
  app.server.maxConnections = MAX_CONNECTIONS;
  try {
    return await app.listen({ host: host || '::', port });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (host === '' && code === 'EAFNOSUPPORT') {
      // A kernel without IPv6.
      return listen(app, { host: '0.0.0.0', port }, flag);
    }
    const why = WHY_NOT[code ?? '']?.(flag) ?? code;
    throw new Refusal(`Cannot listen on ${host || 'every address'}, port ${port}: ${why}`);
  }
}

const WHY_NOT: Readonly<Record<string, (flag: string) => string>> = {
  EADDRINUSE: (flag) =>
    `another process does. Is an agent running already? Otherwise choose another port with ${flag}.`,
  EADDRNOTAVAIL: (flag) => `the machine has no such address. Choose one of its own with ${flag}.`,
  EACCES: (flag) => `ports below 1024 need CAP_NET_BIND_SERVICE. Choose another port with ${flag}.`,
  ENOTFOUND: (flag) => `the name cannot be resolved. Give an address with ${flag}.`,
};
