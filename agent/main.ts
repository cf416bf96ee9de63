/** The agent, from its flags to its last breath. Reads as a table of contents. */
import closeWithGrace from 'close-with-grace';
import { CommanderError } from 'commander';
import pino, { type Logger } from 'pino';
import { lock } from '../native';
import { version } from '../package.json';
import { Collector } from './collect/collector';
import { seriesCapacity, storesOfRecord } from './collect/limits';
import { scopeOf } from './collect/scope';
import { detach, isDetach } from './cli/detach';
import { readConfig } from './config';
import { HistoryFile } from './history/file/file';
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
import { Pins } from './pin/pins';
import { layoutOf } from './pin/layout';
import { preflight } from './preflight';
import { explain } from './refusal';
import { Ticker } from './ticker';

/** On a machine that has no time; the DaemonSet leaves 20 s. */
const CLOSE_WITHIN_MS = 15_000;

async function main(): Promise<void> {
  if (isDetach(process.argv)) {
    return detach(process.argv);
  }
  const config = readConfig(process.argv);
  const { kernelRelease, ...ground } = preflight(config);
  keepMemorySmall();
  // Standard output is for the one line below; whoever collects logs reads JSON from standard error.
  const log = pino({ level: config.logLevel, base: { node: config.node } }, pino.destination({ fd: 2, sync: true }));
  const access = {
    token:
      config.tokenFile === undefined ? undefined : new TokenFile(config.tokenFile, (message) => log.error(message)),
    clientCertificates: config.tls?.clientCa !== undefined,
    loopbackOnly: config.loopbackOnly,
  };

  const series = new SeriesTable({ capacity: seriesCapacity(config.limits) });
  const file = config.historyFile === undefined ? undefined : historyFile(config.historyFile, config.node, log);
  await file?.claim();
  const history = new History({ bytes: config.historyBytes, series, file });
  const sources = findSources(config, (sentence) => log.info(sentence));
  const owners = new Owners({
    node: config.node,
    ...sources,
    filter: new Filter(config.filter),
    remembered: (path) => file?.targetOf(path),
  });
  const pins = await Pins.open(config.pin);
  const collector = pins.use({
    layout: layoutOf({ ...config, scope: scopeOf(ground.cgroup, ground.cgroupMount) }),
    past: history,
    stores: storesOfRecord(config.limits),
    measure: (set) => Collector.open({ ...config, ...ground, series, owners, pins: set }),
  });
  const bootEpochMs = Date.now();
  // What is pinned counted on after what the history has kept last.
  history.begin(pins.memory?.committedMs ?? bootEpochMs, pins.memory === undefined);
  history.onCommit((_, timeMs) => pins.memory?.commit(history, timeMs));

  const ticker = new Ticker({
    intervalMs: config.tickMs,
    tick: (timeMs) => history.record(timeMs, (into) => collector.tick(into)),
    onFailure: (error) => log.error({ err: error }, 'the kernel cannot be read; trying again at every tick'),
    onRecovery: (failures) => log.info({ failures }, 'the kernel can be read again'),
  });

  const warnings = [...config.warnings, ...ground.warnings, ...pins.warnings];
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
      pins: pins.status,
      warnings,
    },
    { logger: log, tls: config.tls }
  );

  const probes = config.healthListen && (await startProbes({ ticker }, config.healthListen, log));

  closeWithGrace({ delay: CLOSE_WITHIN_MS, logger: log }, async ({ signal, err }) => {
    if (err) {
      log.fatal({ err }, 'closing after a fault');
    }
    ticker.stop();
    await Promise.all([sources.kubernetes.stop(), sources.docker.stop()]);
    // Queries that are under way still read the kernel's memory.
    await app.close();
    collector.close();
    file?.close();
    pins.release();
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

function historyFile(path: string, node: string, log: Logger): HistoryFile {
  const say = { info: (sentence: string) => log.info(sentence), error: (sentence: string) => log.error(sentence) };
  return new HistoryFile({ path, node, lock, log: say });
}

main().catch((error: unknown) => {
  // Commander has written its message already.
  if (error instanceof CommanderError) {
    process.exit(error.exitCode);
  }
  process.stderr.write(`ringside-agent: ${explain(error)}\n`);
  process.exit(1);
});
