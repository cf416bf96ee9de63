/** `GET /api/v1/labels/:label/values`: what a filter or a template variable can be set to. */
import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { LIMITS } from '../../../wire/limits';
import { LabelValuesSchema } from '../../../wire/status';
import { answerLabelValues } from '../../query/labels';
import type { AgentContext } from '../context';
import { parseMatches } from '../match';
import { refusals } from '../refusals';

const RangeSchema = Type.Object(
  {
    metric: Type.Optional(Type.String({ maxLength: LIMITS.nameLength, description: 'Only series of this metric.' })),
    match: Type.Optional(
      Type.Array(Type.String(), {
        description:
          'Only series that match: a label, one of = != =~ !~, and a value, as in match=pod=web-1. ' +
          'May be repeated. A value that begins with a quote or a tilde is written as a JSON string.',
      })
    ),
    from: Type.Optional(
      Type.Integer({ minimum: 0, description: 'Milliseconds since 1970; default: where history starts.' })
    ),
    to: Type.Optional(Type.Integer({ minimum: 0, description: 'Milliseconds since 1970; default: now.' })),
  },
  { additionalProperties: false }
);

const ParamsSchema = Type.Object({ label: Type.String({ description: 'A label of the catalogue.' }) });

export const labelRoutes: FastifyPluginCallbackTypebox<AgentContext> = (app, { history, collector, series }, done) => {
  app.get(
    '/api/v1/labels/:label/values',
    {
      schema: {
        summary: 'The values of a label that were seen in a range',
        tags: ['queries'],
        params: ParamsSchema,
        querystring: RangeSchema,
        response: { 200: LabelValuesSchema, ...refusals },
      },
    },
    ({ params, query }) => {
      const nowMs = Date.now();
      return answerLabelValues(
        {
          label: params.label,
          metric: query.metric,
          where: parseMatches(query.match ?? []),
          from: query.from ?? 0,
          to: query.to ?? nowMs,
        },
        { history, live: collector, series, nowMs }
      );
    }
  );
  done();
};
