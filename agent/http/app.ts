/** The agent's HTTP interface, built and not yet listening. */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, { type FastifyInstance } from 'fastify';
import { guard } from './access';
import type { AgentContext } from './context';
import { answerErrors } from './errors';
import { answerMissing } from './missing';
import { describeRoutes } from './openapi';
import { catalogueRoutes } from './routes/catalogue';
import { expositionRoutes } from './routes/exposition';
import { healthRoutes } from './routes/health';
import { labelRoutes } from './routes/labels';
import { queryRoutes } from './routes/query';
import { statusRoutes } from './routes/status';
import { serverOptions, type Listening } from './server';
import { followTls } from './tls';

/** @throws Refusal when the TLS files do not fit */
export async function buildApp(context: AgentContext, listening: Listening = {}): Promise<FastifyInstance> {
  const app = Fastify(serverOptions(listening)).withTypeProvider<TypeBoxTypeProvider>();
  // JSON is the only body there is; Fastify would also take plain text.
  app.removeContentTypeParser('text/plain');

  answerErrors(app);
  answerMissing(app);
  guard(app, context.access);
  if (listening.tls) {
    followTls(app, listening.tls);
  }

  addRoutes(app, context);
  describeRoutes(app, context.version, (described) => addRoutes(described, context));

  await app.ready();
  return app;
}

function addRoutes(app: FastifyInstance, context: AgentContext): void {
  app.register(healthRoutes, context);
  app.register(statusRoutes, context);
  app.register(catalogueRoutes, context);
  app.register(labelRoutes, context);
  app.register(queryRoutes, context);
  app.register(expositionRoutes, context);
}
