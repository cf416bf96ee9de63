/** `POST /api/v1/query`: several questions about one range. */
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { FastifyPluginCallback } from 'fastify';
import { QueryAnswerSchema, type Notice } from '../../../wire/answer';
import { QueryRequestSchema } from '../../../wire/query';
import { answerText } from '../answer-text';
import { answerBatch, checkBatch, refIdsOf, type Batch } from '../batch';
import type { AgentContext } from '../context';
import { Gate } from '../gate';
import { refusals } from '../refusals';
import { Turns } from '../turns';

/** A dashboard sends a request a panel; with those that wait, this is several dashboards at once. */
const REQUESTS = { working: 8, waiting: 56, waitingMs: 10_000 };

export const queryRoutes: FastifyPluginCallback<AgentContext> = (app, context, done) => {
  const gate = new Gate(REQUESTS);
  const turns = new Turns();

  app.post<{ Body: Batch }>(
    '/api/v1/query',
    {
      schema: {
        summary: 'Answers queries about a range, as data frames',
        description:
          'A query that is wrong fails alone: its error is in results.<refId>.error, the others are answered.',
        tags: ['queries'],
        body: QueryRequestSchema,
        response: { 200: QueryAnswerSchema, ...refusals },
      },
      validatorCompiler: () => (body: unknown) => {
        const error = checkBatch(body);
        return error ? { error } : { value: body };
      },
    },
    async (request, reply) => {
      const refIds = refIdsOf(request.body);
      const startMs = performance.now();
      await gate.pass(async () => {
        const text = answerText(refIds, answerBatch({ ...request.body, startMs }, context, request, turns), () => ({
          notices: noticesOf(context),
          nodes: [{ node: context.node, state: 'ok', latencyMs: performance.now() - startMs }],
        }));
        const stream = Readable.from(text, { objectMode: false });
        reply.type('application/json; charset=utf-8').send(stream);
        // Until the last byte is read, or the reader is gone; then no further query of the batch is answered.
        await finished(stream).catch(() => {});
      });
      return reply;
    }
  );
  done();
};

function noticesOf({ ticker }: AgentContext): Notice[] {
  const { ready, reason } = ticker.readiness;
  return ready ? [] : [{ severity: 'warning', text: reason }];
}
