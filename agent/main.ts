/** The agent, from its flags to its last breath. Reads as a table of contents. */
import closeWithGrace from 'close-with-grace';
import { CommanderError } from 'commander';
import pino from 'pino';
import { version } from '../package.json';
import { Collector } from './collect/collector';
import { seriesCapacity } from './collect/limits';
import { readConfig } from './config';
import { History } from './history/history';
import { SeriesTable } from './history/series';
import { buildApp } from './http/app';
import { listen } from './http/server';
import { startProbes } from './http/probes';
import { TokenFile } from './http/token';
import { Filter } from './identity/filter';
import { Owners } from './identity/owners';
import { findSources } from './identity/sources';
import { keepMemorySmall } from './memory';
import { preflight } from './preflight';
import { explain } from './refusal';
import { Ticker } from './ticker';

async function main(): Promise<void> {
  const config = readConfig(process.argv);
  const { kernelRelease, ...ground } = preflight(config);
  keepMemorySmall();
  const warnings = [...config.warnings, ...ground.warnings];
  // Standard output is for the one line below; whoever collects logs reads JSON from standard error.
  const log = pino({ level: config.logLevel, base: { node: config.node } }, pino.destination({ fd: 2, sync: true }));
  const access = {
    token:
      config.tokenFile === undefined ? undefined : new TokenFile(config.tokenFile, (message) => log.error(message)),
    clientCertificates: config.tls?.clientCa !== undefined,
    loopbackOnly: config.loopbackOnly,
  };

  const series = new SeriesTable({ capacity: seriesCapacity(config.limits) });
  const history = new History({ bytes: config.historyBytes, series });
  const sources = findSources(config, (sentence) => log.info(sentence));
  const owners = new Owners({ node: config.node, ...sources, filter: new Filter(config.filter) });
  const collector = Collector.open({ ...config, ...ground, series, owners });
  const bootEpochMs = Date.now();
  history.begin(bootEpochMs);

  const ticker = new Ticker({
    intervalMs: config.tickMs,
    tick: (timeMs) => history.record(timeMs, (into) => collector.tick(into)),
    onFailure: (error) => log.error({ err: error }, 'the kernel cannot be read; trying again at every tick'),
    onRecovery: (failures) => log.info({ failures }, 'the kernel can be read again'),
  });

  const app = await buildApp(
    {
      version,
      node: config.node,
      kernelRelease,
      scope: ground.cgroup,
      bootEpochMs,
      history,
      series,
      owners,
      collector,
      ticker,
      access,
      warnings,
    },
    { logger: log, tls: config.tls }
  );

  const probes = config.healthListen && (await startProbes({ ticker }, config.healthListen, log));

  closeWithGrace({ delay: 5_000, logger: log }, async ({ signal, err }) => {
    if (err) {
      log.fatal({ err }, 'closing after a fault');
    }
    ticker.stop();
    await Promise.all([sources.kubernetes.stop(), sources.docker.stop()]);
    // Queries that are under way still read the kernel's memory.
    await app.close();
    collector.close();
    await probes?.close();
    log.info({ signal }, 'closed');
  });

  sources.kubernetes.start();
  sources.docker.start();
  ticker.start();
  const address = await listen(app, config.listen);
  warnings.forEach((warning) => log.warn(warning));
  log.info({ version, address, kernel: kernelRelease, cgroup: ground.cgroup }, 'measuring');
  console.log(`Ringside ${version} measures ${ground.cgroup} and answers on ${address}`);
}

main().catch((error: unknown) => {
  // Commander has written its message already.
  if (error instanceof CommanderError) {
    process.exit(error.exitCode);
  }
  process.stderr.write(`ringside-agent: ${explain(error)}\n`);
  process.exit(1);
});
