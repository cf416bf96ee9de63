/** Answers for what does not exist: another method of a known path is 405, everything else 404 with the likely route. */
import type { FastifyInstance, HTTPMethods } from 'fastify';
import { WireError } from '../../wire/errors';
import { nearest } from '../query/nearest';
import { quote, shorten } from './validation';

export function answerMissing(app: FastifyInstance): void {
  const methodsByPath = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ path, method }) => {
    const methods = methodsByPath.get(path) ?? new Set();
    for (const name of [method].flat() as HTTPMethods[]) {
      methods.add(name);
    }
    methodsByPath.set(path, methods);
  });

  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0];
    const route = [...methodsByPath.keys()].find((candidate) => patternOf(candidate).test(path));
    if (route) {
      const allowed = [...methodsByPath.get(route)!];
      reply.header('allow', allowed.join(', '));
      throw new WireError(
        'method_not_allowed',
        `${route} answers ${allowed.join(' and ')}; received ${request.method}.`,
        {
          field: 'method',
          received: request.method,
          allowed,
        }
      );
    }
    const likely = nearest(path, [...methodsByPath.keys()]);
    throw new WireError(
      'not_found',
      `There is no route ${quote(path)}.` + (likely ? ` Did you mean ${likely}?` : ' GET /openapi.json lists them.'),
      { field: 'path', received: shorten(path), ...(likely && { nearest: likely }) }
    );
  });
}

/** `/labels/:label/values` as a pattern. Our routes have letters, slashes and parameters only, nothing to escape but dots. */
function patternOf(route: string): RegExp {
  return new RegExp(`^${route.replaceAll('.', '\\.').replace(/:[a-z]+/gi, '[^/]+')}$`);
}
