/** `GET /openapi.json`: the description of every route, from the schemas that validate and serialise them. */
import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import type { OpenAPIV3 } from 'openapi-types';

/** New in OpenAPI 3.1, which the types of 3.0 do not know. */
const MUTUAL_TLS = {
  type: 'mutualTLS',
  description: 'Signed by the authority of --tls-client-ca, where one is given.',
} as unknown as OpenAPIV3.HttpSecurityScheme;

/** Before the routes: it listens to their registration. */
export function describeRoutes(app: FastifyInstance, version: string): void {
  app.register(swagger, {
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

  app.register((routes, _options, done) => {
    let description: string | undefined;
    routes.get('/openapi.json', { schema: { summary: 'This description', tags: ['agent'] } }, (_request, reply) => {
      description ??= JSON.stringify(app.swagger());
      return reply.type('application/json; charset=utf-8').send(description);
    });
    done();
  });
}
