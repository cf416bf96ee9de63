/** How the app meets the network: limits on what a client may make it wait for or hold, TLS, and the address. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ServerOptions as HttpsOptions } from 'node:https';
import type { Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import type { FastifyBaseLogger, FastifyInstance, FastifyServerOptions } from 'fastify';
import { ERRORS, WireError } from '../../wire/errors';
import { LIMITS } from '../../wire/limits';
import { Refusal } from '../refusal';
import { answerError } from './errors';
import { RequestLog } from './request-log';

export interface Listening {
  logger?: FastifyBaseLogger;
  https?: HttpsOptions;
}

const LIMITS_OF_A_CONNECTION = {
  /** From the first byte of a request to the last of its body. */
  requestTimeout: 15_000,
  headersTimeout: 10_000,
  /** Longer than the 90 s Go's client, and with it Grafana's proxy, keeps an idle connection: it closes first. */
  keepAliveTimeout: 95_000,
  maxHeaderSize: 16 * 1024,
} as const;

/** Sockets at a time; a node has one Grafana or two, a Prometheus or two, and its peers. */
const MAX_CONNECTIONS = 1_000;

export function serverOptions({ logger, https }: Listening): FastifyServerOptions {
  const { requestTimeout, headersTimeout, keepAliveTimeout, maxHeaderSize } = LIMITS_OF_A_CONNECTION;
  return {
    ...(logger ? { loggerInstance: logger } : {}),
    logController: new RequestLog(),
    bodyLimit: LIMITS.bodyBytes,
    requestTimeout,
    keepAliveTimeout,
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    frameworkErrors: answerError,
    clientErrorHandler: answerMalformed,
    ...(https ? { https: { ...https, headersTimeout, maxHeaderSize } } : { http: { headersTimeout, maxHeaderSize } }),
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

/** @throws Refusal */
export function readTls({ cert, key, clientCa }: { cert: string; key: string; clientCa?: string }): HttpsOptions {
  const options: HttpsOptions = {
    cert: readPem('--tls-cert', cert),
    key: readPem('--tls-key', key),
    minVersion: 'TLSv1.2',
    // A connection without a right certificate still reaches the health routes; access.ts refuses it the others.
    ...(clientCa && { ca: readAuthority(clientCa), requestCert: true, rejectUnauthorized: false }),
  };
  try {
    createSecureContext(options);
  } catch (error) {
    throw new Refusal(
      `TLS cannot start with --tls-cert ${cert} and --tls-key ${key}: ${(error as Error).message}. ` +
        'Give a PEM certificate and the private key that belongs to it.'
    );
  }
  return options;
}

/** OpenSSL takes a file without a certificate for an authority that signed nothing. */
function readAuthority(path: string): Buffer {
  const pem = readPem('--tls-client-ca', path);
  try {
    new X509Certificate(pem);
  } catch {
    throw new Refusal(`--tls-client-ca ${path} holds no certificate in PEM.`);
  }
  return pem;
}

function readPem(flag: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Refusal(`${flag} ${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
}

/**
 * @param host empty for every address of the machine
 * @returns where it answers
 * @throws Refusal
 */
export async function listen(app: FastifyInstance, { host, port }: { host: string; port: number }): Promise<string> {
  app.server.maxConnections = MAX_CONNECTIONS;
  try {
    return await app.listen({ host: host || '::', port });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (host === '' && code === 'EAFNOSUPPORT') {
      // A kernel without IPv6.
      return listen(app, { host: '0.0.0.0', port });
    }
    throw new Refusal(`Cannot listen on ${host || 'every address'}, port ${port}: ${WHY_NOT[code ?? ''] ?? code}`);
  }
}

const WHY_NOT: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process does. Is an agent running already? Otherwise choose another port with --listen.',
  EADDRNOTAVAIL: 'the machine has no such address. Choose one of its own with --listen.',
  EACCES: 'ports below 1024 need CAP_NET_BIND_SERVICE. Choose another port with --listen.',
  ENOTFOUND: 'the name cannot be resolved. Give an address with --listen.',
};
