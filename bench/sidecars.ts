/** What does it cost an application to be seen: by Ringside, or by a proxy in front of it? */
import { Cgroup } from '../test/support/cgroup';
import { sleep } from '../test/support/wait';
import { BenchAgent } from './support/agent';
import { Load } from './support/load';
import { keepOff, processorSeconds } from './support/processor';
import { proxiesHere, PROXIES } from './support/proxies';
import { find } from './support/programs';
import { ask, type Run } from './support/question';
import type { Contender } from './support/rounds';
import { version } from '../package.json';

const ALONE = 'nginx alone';
const AGAIN = 'nginx alone, again';
const RINGSIDE = 'with Ringside';
const SERVER_ONLY = 'with Ringside on the server’s end';
const OTHERS = [AGAIN, RINGSIDE, SERVER_ONLY, ...PROXIES.map(({ name }) => name)];
/** Of what the slowest of them can serve: where latencies are compared, nobody may be overloaded. */
const STEADY_SHARE = 0.5;
/** Start-up is not what an operator pays for day and night. */
const SETTLE_MS = 5_000;
/** As many as nginx has, see test/support/nginx.ts. */
const WORKERS = 2;

const FIGURES = {
  throughput: { name: 'Requests, as many as possible', unit: 'requests/s' },
  servedProcessor: { name: 'Processor time of a request, application and observer', unit: 'µs' },
  allProcessor: { name: 'Processor time of a request, client included', unit: 'µs' },
  steadyProcessor: { name: 'Processor time of a request, application and observer, at a steady rate', unit: 'µs' },
  p50: { name: 'Latency at a steady rate, median', unit: 'µs' },
  p99: { name: 'Latency at a steady rate, p99', unit: 'µs' },
  usualP99: { name: 'Latency at a steady rate, p99 of a tenth of a second', unit: 'µs' },
  p999: { name: 'Latency at a steady rate, p99.9', unit: 'µs' },
  rate: { name: 'The steady rate', unit: 'requests/s' },
  lag: { name: 'By how much the load itself was late, p99', unit: 'µs' },
  limit: { name: 'Requests the load itself can make, of a server that does nothing', unit: 'requests/s' },
};

/** What is held against nginx alone. */
const COMPARED = {
  throughput: 'requests/s',
  servedProcessor: 'processor time of a request, application and observer',
  allProcessor: 'processor time of a request, client included',
  p50: 'median latency at a steady rate',
  p99: 'p99 at a steady rate',
  usualP99: 'p99 of a tenth of a second',
  p999: 'p99.9 at a steady rate',
};
const GOALS: Record<string, Record<string, { atLeast?: number; atMost?: number }>> = {
  throughput: { [RINGSIDE]: { atLeast: 0.97 }, [SERVER_ONLY]: { atLeast: 0.97 } },
  p99: { [RINGSIDE]: { atMost: 1.05 }, [SERVER_ONLY]: { atMost: 1.05 } },
  usualP99: { [RINGSIDE]: { atMost: 1.05 }, [SERVER_ONLY]: { atMost: 1.05 } },
};

void ask(__filename, {
  title: 'Against sidecars',
  asks: 'What does an application lose while it is measured, by Ringside or by a proxy in front of it?',
  method:
    'nginx answers from memory in a few microseconds and does nothing else, which is the worst case: whatever is added ' +
    'to a request weighs most there. Throughput is wrk with 16 kept connections on loopback. Latencies are those of a ' +
    'load of our own that does not wait for answers (bench/load/open-loop.c), at half the rate that the slowest ' +
    'contender can serve, from a processor of its own; they count from the moment a request is due. Where the machine ' +
    'itself stands still for 1 % of the time, that is the p99 of all; so there is also the p99 of each tenth of a second, ' +
    'of which the middle one is told. Processor time is ' +
    'the kernel’s account of the cgroups. A proxy sees the server’s end only; Ringside is measured with both ends of ' +
    'each connection, and with the server’s end only. The proxies write no access log. nginx alone is measured twice in a ' +
    'round: by how much the one differs from the other, nothing else can be told from it on this machine.',
  rounds: 7,
  seconds: 5,
  figures: FIGURES,
  ratios: Object.entries(COMPARED).flatMap(([figure, what]) =>
    OTHERS.map((of) => ({ name: `${what}, ${of} / alone`, figure, of, to: ALONE, goal: GOALS[figure]?.[of] }))
  ),
  curves: {},
  run,
});

/** Who answers, and whoever observes it, in cgroups of their own. */
interface Ground {
  load: Load;
  observer: Cgroup;
}

async function run({ seconds, recording, say, compare }: Run): Promise<void> {
  const load = await Load.start();
  const observer = Cgroup.make();
  const started: Array<{ remove(): void }> = [];
  try {
    const ground = { load, observer };
    const nginx = `nginx ${find('nginx')?.version}`;
    const alone = { version: nginx, port: load.nginx.port, observer, observe: async () => async () => {} };
    const contenders: Seen[] = [
      { name: ALONE, ...alone },
      { name: AGAIN, ...alone },
      { name: RINGSIDE, version, port: load.nginx.port, observer, observe: () => agentOn(load.scope, observer) },
      { name: SERVER_ONLY, version, port: load.nginx.port, observer, observe: () => agentOn(load.server, observer) },
    ];
    for (const kind of proxiesHere((name, reason) => recording.missed(name, reason))) {
      const sidecar = load.scope.child(kind.program);
      const proxy = await kind.start(sidecar, { port: load.nginx.port, workers: WORKERS });
      started.push(proxy);
      contenders.push({ ...kind, port: proxy.port, observer: sidecar, observe: async () => async () => {} });
    }
    const rate = await steadyRate(ground, contenders);
    say(`the steady rate is ${rate} requests/s`);
    await compare(contenders.map((seen) => contender(ground, seen, rate, seconds)));
  } finally {
    await load.stop();
    await observer.remove();
    started.forEach((each) => each.remove());
  }
}

/** Somebody who is asked, on this port, while `observe` is under way. */
interface Seen {
  name: string;
  version: string;
  port: number;
  observer: Cgroup;
  /** @returns what ends it */
  observe(): Promise<() => Promise<void>>;
}

async function agentOn(scope: Cgroup, within: Cgroup): Promise<() => Promise<void>> {
  const agent = await BenchAgent.start(scope, [], within);
  return () => agent.stop();
}

/** Half of what the slowest can serve beside a load with a processor of its own. */
async function steadyRate({ load }: Ground, contenders: readonly Seen[]): Promise<number> {
  const rates: number[] = [];
  for (const { port, observer, observe } of contenders) {
    const end = await observe();
    keepOff([load.server, observer], true);
    const { answered, nanoseconds } = await load.steady(0, 1, port);
    await end();
    rates.push((answered / nanoseconds) * 1e9);
  }
  return Math.floor(Math.min(...rates) * STEADY_SHARE);
}

function contender({ load }: Ground, seen: Seen, rate: number, seconds: number): Contender {
  const { name, port, observer, observe } = seen;
  const used = () => [load.server, observer, load.client].map(processorSeconds);
  const measure = async () => {
    const end = await observe();
    try {
      await sleep(SETTLE_MS);
      keepOff([load.server, observer], false);
      const before = used();
      const { requests, requestsPerSecond } = await load.run(seconds, port);
      const [server, watching, client] = used().map((value, n) => ((value - before[n]) / requests) * 1e6);
      keepOff([load.server, observer], true);
      const beforeSteady = used();
      const steady = await load.steady(rate, seconds, port);
      const [steadyServer, steadyWatching] = used().map((value, n) => value - beforeSteady[n]);
      return {
        throughput: requestsPerSecond,
        servedProcessor: server + watching,
        allProcessor: server + watching + client,
        steadyProcessor: ((steadyServer + steadyWatching) / steady.answered) * 1e6,
        p50: steady.latency.p50 / 1_000,
        p99: steady.latency.p99 / 1_000,
        usualP99: steady.usual.p99 / 1_000,
        p999: steady.latency.p999 / 1_000,
        lag: steady.lag.p99 / 1_000,
        ...(name === ALONE ? await ofTheLoad(load, rate) : {}),
      };
    } finally {
      await end();
    }
  };
  return { name, version: seen.version, measure };
}

async function ofTheLoad(load: Load, rate: number): Promise<{ rate: number; limit: number }> {
  const { answered, nanoseconds } = await load.steady(0, 1, 0);
  return { rate, limit: (answered / nanoseconds) * 1e9 };
}
