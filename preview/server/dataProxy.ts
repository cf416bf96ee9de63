/** `/api/datasources/proxy/uid/:uid/*`, with the answers Grafana's own data proxy gives when things go wrong. */
import http from 'node:http';
import https from 'node:https';
import replyFrom from '@fastify/reply-from';
import type { FastifyInstance } from 'fastify';
import type { Settings } from './settings';

/** Headers of the browser's that Grafana keeps to itself. */
const STRIPPED = ['cookie', 'authorization', 'origin', 'referer', 'x-grafana-org-id', 'host'];

/** What Grafana's proxy answers in place of a data source that asks for other credentials. */
const UNAUTHORIZED = 'Authentication to data source failed';

export async function registerDataProxy(app: FastifyInstance, settings: Settings): Promise<void> {
  const agents = { 'http:': new http.Agent({ keepAlive: true }), 'https:': httpsAgent(settings) };
  // An agent keeps the TLS options it was made with.
  let version = settings.version;
  // Bodies go through as they are: the proxy has no business in them.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  await app.register(replyFrom, {
    http: { agents },
    destroyAgent: true,
    disableCache: true,
    disableRequestLogging: true,
  });

  app.all<{ Params: { uid: string; '*': string } }>('/api/datasources/proxy/uid/:uid/*', (request, reply) => {
    if (request.params.uid !== settings.public().uid) {
      return reply.code(404).send({ message: 'Unable to find datasource', traceID: '' });
    }
    const target = targetOf(settings.url, request.params['*']);
    if (!target) {
      return reply.code(500).send({ message: 'Failed to create data source proxy', traceID: '' });
    }
    if (version !== settings.version) {
      version = settings.version;
      agents['https:'].destroy();
      agents['https:'] = httpsAgent(settings);
    }
    return reply.from(target.href, {
      timeout: settings.timeoutMs,
      rewriteRequestHeaders: (_original, headers) => {
        const kept = Object.entries(headers).filter(([name]) => !STRIPPED.includes(name));
        return {
          ...Object.fromEntries(kept),
          host: target.host,
          ...settings.headers(request.method, request.params['*']),
        };
      },
      rewriteHeaders: ({ 'set-cookie': _cookie, ...headers }) => headers,
      onResponse: (_request, answer, upstream) => {
        const { statusCode, stream } = upstream as unknown as http.IncomingMessage & { stream: http.IncomingMessage };
        if (statusCode === 401) {
          stream.resume();
          for (const name of Object.keys(answer.getHeaders())) {
            answer.removeHeader(name);
          }
          answer.code(400).type('text/plain; charset=utf-8').send(UNAUTHORIZED);
        } else {
          answer.send(stream);
        }
      },
      onError: (answer, { error }) => {
        // Nothing but the status: that is all a plugin gets to see of it in Grafana.
        const { statusCode } = error as Error & { statusCode?: number };
        answer.code(statusCode === 504 ? 504 : 502).send('');
      },
    });
  });
}

function targetOf(base: string, rest: string): URL | undefined {
  try {
    const url = new URL(base);
    url.pathname = `${url.pathname.replace(/\/$/, '')}/${rest}`;
    return /^https?:$/.test(url.protocol) ? url : undefined;
  } catch {
    return undefined;
  }
}

function httpsAgent(settings: Settings): https.Agent {
  return new https.Agent(settings.tls());
}
