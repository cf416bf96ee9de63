/**
 * `GET /healthz`: the agent is not stuck; 503 asks for a restart. `GET /readyz`: it also measures. Open to everyone: probes
 * carry no token. An agent that is stuck altogether answers neither, which is an answer too.
 */
import { setTimeout } from 'node:timers/promises';
import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { ErrorBodySchema } from '../../../wire/answer';
import { WireError } from '../../../wire/errors';
import type { Readiness } from '../../ticker';
import type { AgentContext } from '../context';

/** All that the routes have to know of the agent. */
export type HealthContext = Pick<AgentContext, 'ticker'>;

const HealthSchema = Type.Object({ status: Type.Literal('ok') });

export const healthRoutes: FastifyPluginCallbackTypebox<HealthContext> = (app, { ticker }, done) => {
  const answer = (path: string, summary: string, state: () => Readiness) =>
    app.get(
      path,
      {
        config: { open: true },
        schema: { summary, tags: ['health'], security: [], response: { 200: HealthSchema, 503: ErrorBodySchema } },
      },
      async () => {
        let { ready, reason } = state();
        if (!ready) {
          // A process that was stopped, or had no processor, hears of the probe before its timers: a tick may be due.
          await setTimeout(1);
          ({ ready, reason } = state());
        }
        if (!ready) {
          throw new WireError('not_ready', reason);
        }
        return { status: 'ok' as const };
      }
    );

  answer('/healthz', 'Is the agent alive?', () => ticker.liveness);
  answer('/readyz', 'Does the agent measure?', () => ticker.readiness);
  done();
};
