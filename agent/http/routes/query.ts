/** `POST /api/v1/query`: several questions about one range. */
import type { FastifyPluginCallback } from 'fastify';
import { QueryAnswerSchema, type Notice } from '../../../wire/answer';
import { QueryRequestSchema } from '../../../wire/query';
import { answerText } from '../answer-text';
import { answerBatch, checkBatch, refIdsOf, type Batch } from '../batch';
import type { AgentContext } from '../context';
import { Gate } from '../gate';
import { Pieces } from '../pieces';
import { refusals } from '../refusals';
import { sendPieces } from '../send-pieces';
import { Turns } from '../turns';

/** A dashboard sends a request a panel; with those that wait, this is several dashboards at once. */
const REQUESTS = { working: 8, waiting: 56, waitingMs: 10_000 };

export const queryRoutes: FastifyPluginCallback<AgentContext> = (app, context, done) => {
  const gate = new Gate(REQUESTS);
  const turns = new Turns();
  const pieces = new Pieces();

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
        const text = answerText(
          refIds,
          answerBatch({ ...request.body, startMs }, context, request, turns),
          () => ({
            notices: noticesOf(context),
            nodes: [{ node: context.node, state: 'ok', latencyMs: performance.now() - startMs }],
          }),
          pieces
        );
        reply.type('application/json; charset=utf-8');
        const first = await text.next();
        if (first.done) {
          reply.send(first.value);
        } else {
          await sendPieces(reply, first, text);
        }
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
