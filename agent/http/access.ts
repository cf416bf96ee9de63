/** Who may ask. Decided before a body is read; health routes say `config: { open: true }` and are asked by anyone. */
import type { TLSSocket } from 'node:tls';
import bearerAuth from '@fastify/bearer-auth';
import type { FastifyInstance } from 'fastify';
import { WireError } from '../../wire/errors';
import { isLoopback } from '../config';
import type { Access } from './context';
import { quote, shorten } from './validation';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answered without a token or a client certificate: an orchestrator's probe carries neither. */
    open?: boolean;
  }
}

export function guard(app: FastifyInstance, { token, clientCertificates, loopbackOnly }: Access): void {
  if (loopbackOnly) {
    app.addHook('onRequest', async (request) => checkHost(request.headers.host));
  }
  if (clientCertificates) {
    app.addHook('onRequest', async (request) => {
      if (!request.routeOptions.config.open) {
        checkClientCertificate(request.raw.socket as TLSSocket);
      }
    });
  }
  if (token) {
    app.register(bearerAuth, {
      keys: new Set<string>(),
      auth: (key: string) => token.matches(key),
      // The scheme's name is case-insensitive (RFC 9110).
      specCompliance: 'rfc6749',
      addHook: false,
      verifyErrorLogLevel: 'debug',
    });
    app.addHook('onRequest', (request, reply, done) => {
      if (request.routeOptions.config.open) {
        done();
        return;
      }
      app.verifyBearerAuth!(request, reply, (error) => done(error && unauthorized(request.headers.authorization)));
    });
  }
}

/**
 * A page anywhere can have its own name point to 127.0.0.1 and then read, as "the same origin", what listens there (DNS
 * rebinding). The browser says which name it used.
 */
function checkHost(host: string | undefined): void {
  const name =
    host && URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname.replace(/^\[|\]$/g, '') : host;
  if (name !== undefined && !isLoopback(name) && !name.endsWith('.localhost')) {
    throw new WireError(
      'unauthorized',
      `This agent has no token and answers on loopback only, by the name localhost or the address; received ${quote(host)}.`,
      { field: 'host', received: shorten(host) }
    );
  }
}

/** The handshake asked for a certificate and checked it; that it was right is checked here, where an answer can say so. */
function checkClientCertificate(socket: TLSSocket): void {
  if (socket.authorized) {
    return;
  }
  const reason = socket.authorizationError as unknown as string | undefined;
  throw new WireError(
    'unauthorized',
    Object.keys(socket.getPeerCertificate()).length === 0
      ? 'Present a client certificate; this agent was started with --tls-client-ca.'
      : `The client certificate is not from the authority this agent was started with (${reason}).`
  );
}

function unauthorized(header: string | undefined): WireError {
  return new WireError(
    'unauthorized',
    header
      ? 'The bearer token is not the one this agent was started with.'
      : 'Send "Authorization: Bearer <token>" with the token this agent was started with.'
  );
}
