/** `GET /metrics`: the kernel's totals and the agent's own numbers, for those who run Prometheus. */
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { FastifyPluginCallback } from 'fastify';
import { Type } from 'typebox';
import type { AgentContext } from '../context';
import { negotiate, OPEN_METRICS, TEXT, type Format } from '../exposition/format';
import { selfLines } from '../exposition/self';
import { Totals } from '../exposition/totals';
import { Gate } from '../gate';
import { refusals } from '../refusals';

/** A scrape holds all totals; a Prometheus and its twin are two. */
const SCRAPES = { working: 2, waiting: 6, waitingMs: 10_000 };

const content = Object.fromEntries(
  [TEXT, OPEN_METRICS].map(({ contentType }) => [contentType, { schema: Type.String() }])
);

export const expositionRoutes: FastifyPluginCallback<AgentContext> = (app, context, done) => {
  const gate = new Gate(SCRAPES);

  app.get(
    '/metrics',
    {
      schema: {
        summary: 'Prometheus text format 0.0.4, or OpenMetrics 1.0 where the Accept header asks for it',
        description: 'Histograms with classic buckets an octave wide, at exact powers of two of a second.',
        tags: ['prometheus'],
        response: { 200: { description: 'The exposition', content }, ...refusals },
      },
    },
    (request, reply) =>
      gate.pass(async () => {
        const format = negotiate(request.headers.accept);
        const totals = new Totals(context.series);
        context.collector.totals(totals);
        const text = Readable.from(lines(totals, context, format));
        reply.type(format.contentType).header('vary', 'accept').send(text);
        // The totals are held until the last line is read, or the reader is gone.
        await finished(text).catch(() => {});
        return reply;
      })
  );
  done();
};

function* lines(totals: Totals, context: AgentContext, format: Format): Generator<string> {
  yield* totals.lines(format);
  yield* selfLines(context, format);
  yield format.end;
}
