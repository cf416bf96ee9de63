/**
 * Serves the preview page: the built plugin in a host that behaves as Grafana does, for machines with no Grafana.
 *
 * `npx tsx preview/server.ts --agent http://127.0.0.1:9420 --listen 127.0.0.1:3400`
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import fastifyStatic from '@fastify/static';
import closeWithGrace from 'close-with-grace';
import { Command } from 'commander';
import fastify, { type FastifyInstance } from 'fastify';
import { PREVIEW_OUTPUT, buildPreview } from './build';
import { registerDataProxy } from './server/dataProxy';
import { type DataSourceModel, Settings, UID } from './server/settings';

const PLUGIN_FOLDER = path.resolve(__dirname, '..', 'dist');

export interface PreviewOptions {
  /** Where the agent is, as the data source's URL; the config editor can change it. */
  agentUrl: string;
  /** host:port; port 0 takes a free one. */
  listen?: string;
  /** The bearer token the agent wants. Stays in this process. */
  token?: string;
  /** The built plugin. Default: dist/. */
  pluginFolder?: string;
}

export interface Preview {
  url: string;
  close(): Promise<void>;
}

/** Builds the page where needed, and serves it. Rejects with a sentence that says what to do. */
export async function startPreview(options: PreviewOptions): Promise<Preview> {
  const { agentUrl, listen = '127.0.0.1:3400', token, pluginFolder = PLUGIN_FOLDER } = options;
  const [host, port] = addressOf(listen);
  await readFile(path.join(pluginFolder, 'module.js')).catch(() => {
    throw new Error('The plugin is not built yet. Run "npm run build" first.');
  });
  await buildPreview();
  const app = fastify({ forceCloseConnections: true });
  serveFiles(app, pluginFolder);
  const settings = await Settings.provision(pluginFolder, agentUrl, token);
  serveSettings(app, settings);
  await app.register((scope) => registerDataProxy(scope, settings));
  await app.listen({ host, port });
  const { port: bound } = app.server.address() as { port: number };
  return { url: `http://${host}:${bound}`, close: () => app.close() };
}

function serveFiles(app: FastifyInstance, pluginFolder: string): void {
  app.register(fastifyStatic, { root: PREVIEW_OUTPUT, decorateReply: true });
  app.register(fastifyStatic, {
    root: pluginFolder,
    prefix: '/public/plugins/ringside-live-datasource/',
    decorateReply: false,
    // A rebuilt plugin shows up at the next reload.
    cacheControl: false,
  });
}

function serveSettings(app: FastifyInstance, settings: Settings): void {
  app.get<{ Params: { uid: string } }>('/api/datasources/uid/:uid', (request, reply) =>
    request.params.uid === UID ? settings.public() : reply.code(404).send({ message: 'Data source not found' })
  );
  app.put<{ Params: { uid: string }; Body: Partial<DataSourceModel> }>('/api/datasources/uid/:uid', (request, reply) =>
    request.params.uid === UID
      ? { message: 'Datasource updated', id: 1, name: request.body.name, datasource: settings.save(request.body) }
      : reply.code(404).send({ message: 'Data source not found' })
  );
}

function addressOf(listen: string): [host: string, port: number] {
  const [, host, port] = /^\[?([^\]]+)\]?:(\d{1,5})$/.exec(listen) ?? [];
  if (!host || Number(port) > 65535) {
    throw new Error(`Expected --listen to be host:port, got "${listen}".`);
  }
  return [host, Number(port)];
}

async function main(): Promise<void> {
  const command = new Command('preview')
    .description('Serves a page that loads the built plugin the way Grafana does.')
    .requiredOption('--agent <url>', 'where the agent listens')
    .option('--listen <host:port>', 'where to serve the page', '127.0.0.1:3400')
    .option('--token-file <path>', 'a file with the bearer token the agent wants')
    .parse();
  const { agent, listen, tokenFile } = command.opts<{ agent: string; listen: string; tokenFile?: string }>();
  const token = tokenFile && (await readFile(tokenFile, 'utf8')).trim();
  const preview = await startPreview({ agentUrl: agent, listen, token });
  closeWithGrace(async () => preview.close());
  console.log(`The preview is at ${preview.url}`);
}

if (require.main === module) {
  main().catch((error: Error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
