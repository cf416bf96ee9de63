/** Everything that can go wrong with a request, in the one shape of `wire/errors.ts`. */
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isWireError, WireError } from '../../wire/errors';
import { quote } from './validation';

/** A browser or a proxy may try again after this long. */
const RETRY_AFTER_SECONDS = 1;

export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler<FastifyError>((error, request, reply) => answerError(error, request, reply));
}

/** @returns the reply, sent */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const known = isWireError(error) ? error : fromFastify(error as FastifyError, request);
  if (!known && reply.raw.destroyed) {
    // Whoever asked has gone meanwhile, as people do who look at something else: no fault of the agent's.
    request.log.debug({ err: error, reqId: request.id, url: request.url }, 'nobody waits for the answer any more');
    return send(reply, internal(request.id));
  }
  if (!known) {
    request.log.error({ err: error, reqId: request.id, url: request.url }, 'request failed');
    return send(reply, internal(request.id));
  }
  return send(reply, known);
}

function send(reply: FastifyReply, error: WireError): FastifyReply {
  if (error.status === 503) {
    // Who was turned away may otherwise keep hundreds of connections for a minute: a megabyte.
    reply.headers({ 'retry-after': RETRY_AFTER_SECONDS, connection: 'close' });
  }
  if (error.status === 401) {
    reply.header('www-authenticate', 'Bearer realm="ringside"');
  }
  return reply.code(error.status).type('application/json; charset=utf-8').send(error.toBody());
}

/** For the reader it is enough to know where the reason is. */
export function internal(requestId: string): WireError {
  return new WireError('internal', `A fault of the agent’s. Its log has the reason under request ${requestId}.`);
}

/** What Fastify itself refuses; anything it does not know is a fault of ours. */
function fromFastify(error: FastifyError, request: FastifyRequest): WireError | undefined {
  switch (error.code) {
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
    case 'FST_ERR_CTP_INVALID_CONTENT_TYPE':
      return new WireError(
        'unsupported_media_type',
        `Send application/json; received ${quote(request.headers['content-type'])}.`,
        { field: 'content-type', received: request.headers['content-type'] ?? null, allowed: ['application/json'] }
      );
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new WireError('body_too_large', `The body may have ${request.server.initialConfig.bodyLimit} bytes.`, {
        limit: request.server.initialConfig.bodyLimit,
      });
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return new WireError('invalid_body', 'The body is empty; send a JSON object as /openapi.json describes it.');
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
      return new WireError('invalid_body', 'The body is not JSON; send an object as /openapi.json describes it.');
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new WireError('invalid_body', 'The body is shorter or longer than its Content-Length.');
    case 'FST_ERR_BAD_URL':
      return new WireError('not_found', 'The path has a percent sign that is not followed by two hexadecimal digits.');
    default:
      return error.statusCode === 400
        ? new WireError('invalid_body', `The request cannot be understood: ${error.message}.`)
        : undefined;
  }
}
