/** `POST /api/v1/query`: several questions about one range, answered one after the other. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { QueryAnswerSchema, type Notice, type QueryAnswer, type Result } from '../../../wire/answer';
import { WireError } from '../../../wire/errors';
import { LIMITS } from '../../../wire/limits';
import { QueryRequestSchema, QuerySchema, type Query } from '../../../wire/query';
import { tryAnswerQuery } from '../../query/query';
import type { AgentContext } from '../context';
import { internal } from '../errors';
import { Gate } from '../gate';
import { refusals } from '../refusals';
import { checker, quote, shorten } from '../validation';

/** A dashboard sends a request a panel; with those that wait, this is several dashboards at once. */
const REQUESTS = { working: 2, waiting: 62 };
/** What is not answered by then is not waited for: Grafana gives up after 30 s. */
const BATCH_DEADLINE_MS = 20_000;
/** Of all frames of an answer; about 40 MB as JSON. */
const BATCH_VALUES = 2_000_000;

/** The body without a look into the queries: a fault in one of them must not cost the others their answer. */
const envelope = Type.Object(
  { ...QueryRequestSchema.properties, queries: Type.Array(Type.Unknown(), { minItems: 1 }) },
  { additionalProperties: false }
);
interface Envelope {
  from: number;
  to: number;
  queries: unknown[];
}

const checkEnvelope = checker(envelope, 'body');
const checkQuery = checker(QuerySchema, 'query');

export const queryRoutes: FastifyPluginCallbackTypebox<AgentContext> = (app, context, done) => {
  const gate = new Gate(REQUESTS);

  app.post(
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
      // A schema's serialiser looks at every number of every column, at three times the cost, and would leave out a refId
      // with a line break. The answer holds nothing but what the query made; a test compares it with the schema.
      serializerCompiler: () => JSON.stringify,
      validatorCompiler: () => (body: unknown) => {
        const error = checkEnvelope(body);
        return error ? { error } : { value: body };
      },
    },
    (request, reply) =>
      gate.pass(async () => {
        const body = request.body as Envelope;
        const refIds = checkBatch(body);
        const startMs = performance.now();
        // No prototype: a refId is any text, "__proto__" too.
        const results: Record<string, Result> = Object.create(null);
        let values = 0;
        for (const [index, query] of body.queries.entries()) {
          // One turn of the loop a query: probes, ticks and other people's queries get their time in between.
          await nextTurn();
          if (reply.raw.destroyed) {
            break;
          }
          const result =
            refusalOf(values, performance.now() - startMs) ?? answerOne(query, index, body, context, request);
          results[refIds[index]] = result;
          values += valuesIn(result);
        }
        return {
          results,
          notices: noticesOf(context),
          nodes: [{ node: context.node, state: 'ok', latencyMs: performance.now() - startMs }],
        } satisfies QueryAnswer;
      })
  );
  done();
};

/**
 * What concerns the request as a whole.
 *
 * @returns the name of each answer
 */
function checkBatch({ from, to, queries }: Envelope): string[] {
  if (from >= to) {
    throw new WireError('invalid_range', `"from" must be before "to"; received ${from} and ${to}.`, {
      field: 'from',
      received: from,
    });
  }
  if (queries.length > LIMITS.queries) {
    throw new WireError(
      'too_many_queries',
      `A request may hold ${LIMITS.queries} queries; received ${queries.length}.`,
      {
        field: 'queries',
        limit: LIMITS.queries,
      }
    );
  }
  const refIds = queries.map(refIdOf);
  const twice = refIds.findIndex((refId, index) => refIds.indexOf(refId) < index);
  if (twice >= 0) {
    throw new WireError(
      'invalid_field',
      `"queries[${twice}].refId" is ${quote(refIds[twice])}, as that of another query is.`,
      {
        field: `queries[${twice}].refId`,
        received: refIds[twice],
      }
    );
  }
  return refIds;
}

/** Without its name there is nowhere to put the answer, nor the error. */
function refIdOf(query: unknown, index: number): string {
  const refId = (query as Partial<Query> | null)?.refId;
  if (typeof refId !== 'string' || refId === '' || refId.length > LIMITS.nameLength) {
    const field = `queries[${index}].refId`;
    throw new WireError(
      'invalid_field',
      `"${field}" must be a text of 1 to ${LIMITS.nameLength} characters; received ${quote(refId)}.`,
      { field, received: shorten(refId) }
    );
  }
  return refId;
}

function answerOne(
  query: unknown,
  index: number,
  { from, to }: Envelope,
  { history, collector, series }: AgentContext,
  { log, id }: FastifyRequest
): Result {
  const field = `queries[${index}]`;
  const fault = checkQuery(query, field);
  if (fault) {
    return failed(fault);
  }
  try {
    return tryAnswerQuery(
      query as Query,
      { from, to },
      { history, live: collector, series, nowMs: Date.now() },
      { field }
    );
  } catch (error) {
    log.error({ err: error, query }, 'query failed');
    return failed(internal(id));
  }
}

/** A batch as a whole may not take more than its share either; what is left of it fails, query by query. */
function refusalOf(values: number, milliseconds: number): Result | undefined {
  if (values > BATCH_VALUES) {
    return failed(
      new WireError('too_many_points', `The queries before this one made ${values} values. Ask in several requests.`, {
        limit: BATCH_VALUES,
      })
    );
  }
  if (milliseconds > BATCH_DEADLINE_MS) {
    return failed(new WireError('overloaded', 'The queries before this one took all the time there is. Ask for less.'));
  }
  return undefined;
}

function valuesIn({ frames }: Result): number {
  return frames.reduce((sum, { data }) => data.values.reduce((columns, { length }) => columns + length, sum), 0);
}

function failed(error: WireError): Result {
  return { frames: [], error: error.toBody() as Result['error'] };
}

function noticesOf({ ticker }: AgentContext): Notice[] {
  const { ready, reason } = ticker.readiness;
  return ready ? [] : [{ severity: 'warning', text: reason }];
}
