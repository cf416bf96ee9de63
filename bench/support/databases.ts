/** Databases as they come, with what they are asked in their own language. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lt, valid } from 'semver';
import { Cgroup } from '../../test/support/cgroup';
import { until } from '../../test/support/wait';
import { post } from './http';
import { freePort } from './ports';
import { find, whyMissing, type ProgramName } from './programs';

export interface DatabaseKind {
  name: string;
  program: ProgramName;
  /** Beside what every one is told: where to listen, where to keep its data, whom to scrape. */
  flags: readonly string[];
  files(place: Place): string[];
  /**
   * By how much a window is longer than the steps it covers. Prometheus takes what lies within, at which a sample at the
   * window's start has to be in whether the version counts its edge or not; VictoriaMetrics adds the sample before.
   */
  windowMoreMs: number;
  /** Whether a histogram is one series. */
  isNative: boolean;
}

interface Place {
  folder: string;
  port: number;
  /** Whom to scrape, in Prometheus' own form. */
  config: string;
}

const PROMETHEUS: DatabaseKind = {
  name: 'Prometheus',
  program: 'prometheus',
  flags: [
    // To be given a day that has not passed.
    '--web.enable-remote-write-receiver',
    // By default it refuses a day of all pods as too much.
    '--query.max-samples=1000000000',
    // Two minutes by default: a day of native histograms takes longer.
    '--query.timeout=10m',
    '--log.level=error',
  ],
  files: ({ folder, port, config }) => [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ],
  windowMoreMs: 1,
  isNative: false,
};

/** Its experiment since 2.40: a histogram is one series, as fine as Ringside's. */
export const NATIVE_PROMETHEUS: DatabaseKind = {
  ...PROMETHEUS,
  name: 'Prometheus, native histograms',
  flags: [...PROMETHEUS.flags, '--enable-feature=native-histograms'],
  isNative: true,
};
const FIRST_NATIVE = '2.40.0';

export const DATABASES: readonly DatabaseKind[] = [
  PROMETHEUS,
  {
    name: 'VictoriaMetrics',
    program: 'victoriaMetrics',
    // It ends a query after 30 s by default.
    flags: ['-loggerLevel=ERROR', '-search.maxQueryDuration=10m'],
    files: ({ folder, port, config }) => [
      `-promscrape.config=${config}`,
      `-storageDataPath=${join(folder, 'data')}`,
      `-httpListenAddr=127.0.0.1:${port}`,
    ],
    windowMoreMs: 0,
    isNative: false,
  },
];

/** Those that are installed, and why the others are not among them. */
export function databasesHere(
  missed: (name: string, reason: string) => void,
  kinds: readonly DatabaseKind[] = DATABASES
): Array<{ kind: DatabaseKind; version: string }> {
  return kinds.flatMap((kind) => {
    const installed = find(kind.program);
    if (!installed) {
      missed(kind.name, whyMissing(kind.program));
      return [];
    }
    const { version } = installed;
    if (kind.isNative && (!valid(version) || lt(version, FIRST_NATIVE))) {
      missed(kind.name, `they came with ${FIRST_NATIVE}, and this is ${version}`);
      return [];
    }
    return [{ kind, version }];
  });
}

export interface Scraping {
  /** `127.0.0.1:9420` */
  target: string;
  intervalSeconds: number;
}

/** One line of an answer: an instant in seconds, and a value as text. */
type Sample = [seconds: number, value: string];

export interface Vector {
  metric: Record<string, string>;
  /** Of a range. */
  values?: Sample[];
  /** Of an instant. */
  value?: Sample;
  /** Of a range of native histograms. */
  histograms?: Array<[seconds: number, histogram: NativeHistogram]>;
}

export interface NativeHistogram {
  count: string;
  sum: string;
  buckets?: Array<[rule: number, lower: string, upper: string, count: string]>;
}

export class Database {
  private constructor(
    readonly kind: DatabaseKind,
    readonly version: string,
    readonly url: string,
    /** What it runs in: outside of whatever an agent measures. */
    readonly cgroup: Cgroup,
    private readonly folder: string
  ) {}

  get name(): string {
    return this.kind.name;
  }

  /** @param scraping default: it scrapes nobody */
  static async start(
    { kind, version }: { kind: DatabaseKind; version: string },
    scraping?: Scraping
  ): Promise<Database> {
    const folder = mkdtempSync(join(tmpdir(), 'ringside-database-'));
    const config = join(folder, 'scrape.yml');
    writeFileSync(config, scrapeConfiguration(scraping));
    const port = await freePort();
    const cgroup = Cgroup.make();
    const flags = [...kind.flags, ...kind.files({ folder, port, config })];
    const child = cgroup.spawn(find(kind.program)!.path, flags, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    child.stderr!.on('data', (chunk) => (errors = `${errors}${chunk}`.slice(-2_000)));
    const url = `http://127.0.0.1:${port}`;
    const database = new Database(kind, `${kind.program} ${version}`, url, cgroup, folder);
    await until(
      () => `${kind.name} to answer: ${errors}`,
      () =>
        database.ask('query', { query: '1' }).then(
          () => true,
          () => false
        ),
      { timeoutMs: 60_000, everyMs: 50 }
    );
    return database;
  }

  /** @throws Error with what the database says */
  async ask(route: 'query' | 'query_range', parameters: Record<string, string | number>): Promise<Vector[]> {
    const { data } = JSON.parse(await this.text(route, parameters));
    return data.result;
  }

  /** The answer as it comes over the wire. */
  async text(route: 'query' | 'query_range', parameters: Record<string, string | number>): Promise<string> {
    const body = new URLSearchParams(Object.entries(parameters).map(([name, value]) => [name, String(value)]));
    const { status, text } = await post(
      `${this.url}/api/v1/${route}`,
      'application/x-www-form-urlencoded',
      body.toString()
    );
    if (status !== 200) {
      throw new Error(`${this.name} answered ${status}: ${text.slice(0, 500)}`);
    }
    return text;
  }

  /** A value of its own `/metrics`; undefined where it has none of this name. */
  async gauge(name: string): Promise<number | undefined> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const value = text
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.split(' ')[1];
    return value === undefined ? undefined : Number(value);
  }

  async stop(): Promise<void> {
    await this.cgroup.remove();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function scrapeConfiguration(scraping: Scraping | undefined): string {
  const targets = scraping ? [{ job_name: 'ringside', static_configs: [{ targets: [scraping.target] }] }] : [];
  const seconds = scraping?.intervalSeconds ?? 15;
  // JSON is YAML, too.
  return JSON.stringify({ global: { scrape_interval: `${seconds}s` }, scrape_configs: targets });
}
