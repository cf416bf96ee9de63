/** Grafana asks every second: a line for each answer, at the default level, would bury the ones that matter. */
import { LogController, type FastifyReply, type FastifyRequest } from 'fastify';

export class RequestLog extends LogController {
  override incomingRequest(): void {
    // The line of its completion says all of it.
  }

  override requestCompleted(error: Error | null | undefined, request: FastifyRequest, reply: FastifyReply): void {
    const { method, url } = request;
    const line = { method, url, statusCode: reply.statusCode, milliseconds: reply.elapsedTime };
    if (error) {
      reply.log.warn({ ...line, err: error }, 'answer not delivered');
    } else {
      reply.log.debug(line, 'answered');
    }
  }
}
