/**
 * `/healthz` and `/readyz` on a socket of their own, in plain HTTP and with nothing else behind it. A probe then needs no
 * certificate and no handshake, the agent's own port can be closed to everybody but its readers, and readers who have
 * taken every connection there do not make the agent look dead.
 */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import type { ListenAddress } from '../cli/values';
import { answerErrors } from './errors';
import { answerMissing } from './missing';
import { healthRoutes, type HealthContext } from './routes/health';
import { listen, serverOptions } from './server';

export interface Probes {
  /** Where they are answered, `http://…`. */
  address: string;
  /** Last of all: a probe that finds nobody while the agent closes would call it dead. */
  close(): Promise<void>;
}

/** @throws Refusal when it cannot listen there */
export async function startProbes(
  context: HealthContext,
  address: ListenAddress,
  logger?: FastifyBaseLogger
): Promise<Probes> {
  const app = await buildProbes(context, logger);
  return { address: await listen(app, address, '--health-listen'), close: () => app.close() };
}

async function buildProbes(context: HealthContext, logger?: FastifyBaseLogger): Promise<FastifyInstance> {
  const app = Fastify(serverOptions({ logger })).withTypeProvider<TypeBoxTypeProvider>();
  answerErrors(app);
  answerMissing(app);
  app.register(healthRoutes, context);
  await app.ready();
  return app;
}
