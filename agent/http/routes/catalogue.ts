/** `GET /api/v1/metrics`: the catalogue. */
import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { labelsOf, METRICS } from '../../../wire/metrics';
import { MetricsAnswerSchema, type MetricsAnswer } from '../../../wire/status';
import type { AgentContext } from '../context';
import { refusals } from '../refusals';

const CATALOGUE: MetricsAnswer = {
  metrics: METRICS.map((metric) => ({ ...metric, labels: labelsOf(metric), selects: [...metric.selects] })),
};

export const catalogueRoutes: FastifyPluginCallbackTypebox<AgentContext> = (app, _context, done) => {
  app.get(
    '/api/v1/metrics',
    {
      schema: {
        summary: 'Every metric: name, kind, unit, labels, what can be asked of it',
        tags: ['queries'],
        response: { 200: MetricsAnswerSchema, ...refusals },
      },
    },
    () => CATALOGUE
  );
  done();
};
