/** The real collector on the real kernel, attached to one cgroup of a test's own. */
import { join } from 'node:path';
import { Collector } from '../../agent/collect/collector';
import type { Limits } from '../../agent/collect/program';
import { SeriesTable } from '../../agent/history/series';
import { Absent } from '../../agent/identity/absent';
import { Filter, type FilterOptions } from '../../agent/identity/filter';
import { Owners } from '../../agent/identity/owners';
import { KubernetesPods, type KubernetesPodsOptions } from '../../agent/identity/kubernetes/kubernetes-pods';
import type { IdentitySource } from '../../agent/identity/source';
import type { Cgroup } from './cgroup';
import { requireKernel } from './requirements';
import { Totals } from './totals';
import { until } from './wait';

export interface CollectorOptions extends Partial<Limits> {
  /** The API server that names pods. */
  kubernetes?: Pick<KubernetesPodsOptions, 'url' | 'tokenFile' | 'caFile' | 'timing'>;
  docker?: IdentitySource;
  filter?: Partial<FilterOptions>;
  monotonicMs?: () => number;
}

/** What became of a request that was seen; together they are all that were seen. */
const FATES = ['recorded', 'in_flight', 'unparsed', 'overflowed', 'evicted', 'excluded'];

export class TestCollector {
  private constructor(
    readonly collector: Collector,
    readonly series: SeriesTable,
    readonly owners: Owners,
    readonly kubernetes: IdentitySource
  ) {}

  static async open(cgroup: Cgroup, options: CollectorOptions = {}): Promise<TestCollector> {
    requireKernel();
    const { kubernetes, docker, filter, monotonicMs, ...limits } = options;
    const series = new SeriesTable();
    const source = kubernetes
      ? new KubernetesPods({ ...kubernetes, node: 'test' })
      : new Absent('kubernetes', 'No API server: this test has none.');
    const owners = new Owners({
      node: 'test',
      kubernetes: source,
      monotonicMs,
      docker: docker ?? new Absent('docker', 'This test has none.'),
      filter: new Filter({ includeNamespaces: [], excludeNamespaces: [], ...filter }),
    });
    const maxSeries = limits.maxSeries ?? 512;
    const collector = Collector.open({
      cgroup: cgroup.path,
      node: 'test',
      objects: join(__dirname, '../../bpf/.output'),
      limits: { maxTcpSeries: maxSeries, maxSeriesPerContainer: 512, maxConnections: 16_384, ...limits, maxSeries },
      series,
      owners,
    });
    source.start();
    return new TestCollector(collector, series, owners, source);
  }

  totals(): Totals {
    return new Totals(this.series, (into) => this.collector.totals(into));
  }

  /** What the status says of names. */
  identity(): ReturnType<Owners['status']> {
    return this.owners.status();
  }

  /** The loss counters of a program by their names. */
  losses(program = 'http'): Record<string, number> {
    const mine = this.collector.status().losses.filter((loss) => loss.program === program);
    return Object.fromEntries(mine.map(({ counter, value }) => [counter, value]));
  }

  /** Whether this kernel takes a program. */
  isRunning(program: string): boolean {
    return this.collector.status().programs.some(({ name, state }) => name === program && state === 'running');
  }

  /** Waits until no request is under way any more (the last segments of a conversation may still be). */
  async settle(): Promise<Totals> {
    let before = '';
    await until(
      () => `requests to settle: ${JSON.stringify(this.losses())}`,
      () => {
        const now = JSON.stringify([this.losses(), this.totals().all]);
        const quiet = this.losses().in_flight === 0 && now === before;
        before = now;
        return quiet;
      },
      { everyMs: 20 }
    );
    return this.totals();
  }

  /** Everything seen is accounted for. Holds at any moment, not only at the end. */
  expectNothingLost(): void {
    const losses = this.losses();
    const accounted = FATES.reduce((sum, fate) => sum + (losses[fate] ?? 0), 0);
    expect({ ...losses, seen: accounted }).toEqual(losses);
    // Of HTTP it is what is left of the seen: no request may have two fates.
    expect(losses.in_flight).toBeGreaterThanOrEqual(0);
  }

  /** The programs are gone at once, connections for names when the promise is kept. */
  close(): Promise<void> {
    this.collector.close();
    return this.kubernetes.stop();
  }
}
