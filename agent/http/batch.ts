/** A batch of queries: checked as a whole, then answered one after the other. */
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Result } from '../../wire/answer';
import { WireError } from '../../wire/errors';
import { LIMITS } from '../../wire/limits';
import { QueryRequestSchema, QuerySchema, type Query } from '../../wire/query';
import { framesOf, type QueryResult } from '../query/frame';
import { tryAnswerQuery } from '../query/query';
import type { AgentContext } from './context';
import { internal } from './errors';
import type { Turns } from './turns';
import { checker, quote, shorten } from './validation';

/** The queries are looked at one by one: a fault in one of them must not cost the others their answer. */
export interface Batch {
  from: number;
  to: number;
  queries: unknown[];
}

/** What is not answered by then is not waited for: Grafana gives up after 30 s. */
const DEADLINE_MS = 20_000;
/** Of all frames of an answer; about 40 MB as JSON. */
const MAX_VALUES = 2_000_000;

const BatchSchema = Type.Object(
  { ...QueryRequestSchema.properties, queries: Type.Array(Type.Unknown(), { minItems: 1 }) },
  { additionalProperties: false }
);

export const checkBatch = checker(BatchSchema, 'body');
const checkQuery = checker(QuerySchema, 'query');

/**
 * What the schema cannot say of a request as a whole.
 *
 * @returns the name of each answer
 * @throws WireError invalid_range, too_many_queries, invalid_field
 */
export function refIdsOf({ from, to, queries }: Batch): string[] {
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
    const field = `queries[${twice}].refId`;
    throw new WireError('invalid_field', `"${field}" is ${quote(refIds[twice])}, as that of another query is.`, {
      field,
      received: refIds[twice],
    });
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

/**
 * Each result in turn. Whoever asks for the next one has written the one before.
 *
 * @param batch with the time its request came, by `performance.now()`
 */
export async function* answerBatch(
  batch: Batch & { startMs: number },
  context: AgentContext,
  request: FastifyRequest,
  turns: Turns
): AsyncGenerator<QueryResult> {
  const endMs = batch.startMs + DEADLINE_MS;
  let values = 0;
  for (const [index, query] of batch.queries.entries()) {
    const inTime = await turns.take(endMs - performance.now());
    if (request.socket.destroyed) {
      // Nobody reads it.
      return;
    }
    const result = refusalOf(values, inTime) ?? answerOne(query, `queries[${index}]`, batch, context, request);
    values += result.values;
    turns.hold(result.values);
    try {
      yield result;
    } finally {
      turns.release(result.values);
    }
  }
}

/** A batch as a whole may not take more than its share either; what is left of it fails, query by query. */
function refusalOf(values: number, inTime: boolean): QueryResult | undefined {
  if (values > MAX_VALUES) {
    return failed(
      new WireError('too_many_points', `The queries before this one made ${values} values. Ask in several requests.`, {
        limit: MAX_VALUES,
      })
    );
  }
  if (!inTime) {
    const seconds = DEADLINE_MS / 1000;
    return failed(
      new WireError(
        'overloaded',
        `The ${seconds} s of this request were over before it was this query’s turn. Ask for less.`
      )
    );
  }
  return undefined;
}

function answerOne(
  query: unknown,
  field: string,
  { from, to }: Batch,
  { history, collector, series }: AgentContext,
  { log, id }: FastifyRequest
): QueryResult {
  const fault = checkQuery(query, field);
  if (fault) {
    return failed(fault);
  }
  try {
    const range = { from, to };
    return tryAnswerQuery(query as Query, range, { history, live: collector, series, nowMs: Date.now() }, { field });
  } catch (error) {
    log.error({ err: error, query }, 'query failed');
    return failed(internal(id));
  }
}

function failed(error: WireError): QueryResult {
  return { ...framesOf(), error: error.toBody() as Result['error'] };
}
