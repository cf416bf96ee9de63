/** `GET /openapi.json`: the description of every route, from the schemas that validate and serialise them. */
import Fastify, { type FastifyInstance } from 'fastify';
import type { OpenAPIV3 } from 'openapi-types';

/** New in OpenAPI 3.1, which the types of 3.0 do not know. */
const MUTUAL_TLS = {
  type: 'mutualTLS',
  description: 'Signed by the authority of --tls-client-ca, where one is given.',
} as unknown as OpenAPIV3.HttpSecurityScheme;

const SCHEMA = { summary: 'This description', tags: ['agent'] };

/** @param addRoutes adds all the others */
export function describeRoutes(app: FastifyInstance, version: string, addRoutes: (app: FastifyInstance) => void): void {
  let description: Promise<string> | undefined;
  app.get('/openapi.json', { schema: SCHEMA }, async (_request, reply) => {
    description ??= describe(version, addRoutes);
    return reply.type('application/json; charset=utf-8').send(await description);
  });
}

/**
 * Adds the routes once more, to an app that never listens and whose registrations are watched. Hardly anybody ever asks,
 * so that neither the 1.6 MB of what writes the description nor what it remembers of the routes is there before.
 */
async function describe(version: string, addRoutes: (app: FastifyInstance) => void): Promise<string> {
  const { default: swagger } = await import('@fastify/swagger');
  const app = Fastify();
  // Nobody will ask it anything.
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => () => '');
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Ringside agent',
        version,
        description: 'HTTP and TCP of one node, measured in the kernel. Times are milliseconds since 1970.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: 'The token of --token-file, where one is given.' },
          clientCertificate: MUTUAL_TLS,
        },
      },
      // Any of them: what an agent asks for is up to how it was started.
      security: [{}, { bearer: [] }, { clientCertificate: [] }],
    },
  });
  app.get('/openapi.json', { schema: SCHEMA }, () => '');
  addRoutes(app);
  await app.ready();
  const description = JSON.stringify(app.swagger());
  await app.close();
  return description;
}
