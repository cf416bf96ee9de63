/** `GET /healthz`: the process answers. `GET /readyz`: it also measures. Open to everyone: probes carry no token. */
import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { ErrorBodySchema } from '../../../wire/answer';
import { WireError } from '../../../wire/errors';
import type { AgentContext } from '../context';

const HealthSchema = Type.Object({ status: Type.Literal('ok') });

export const healthRoutes: FastifyPluginCallbackTypebox<AgentContext> = (app, { ticker }, done) => {
  app.get(
    '/healthz',
    {
      config: { open: true },
      schema: { summary: 'Does the agent answer?', tags: ['health'], security: [], response: { 200: HealthSchema } },
    },
    () => ({ status: 'ok' as const })
  );

  app.get(
    '/readyz',
    {
      config: { open: true },
      schema: {
        summary: 'Does the agent measure?',
        tags: ['health'],
        security: [],
        response: { 200: HealthSchema, 503: ErrorBodySchema },
      },
    },
    () => {
      const { ready, reason } = ticker.readiness;
      if (!ready) {
        throw new WireError('not_ready', reason);
      }
      return { status: 'ok' as const };
    }
  );
  done();
};
