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
    'the kernel’s account of the cgroups. Everybody has run for a while, and runs on while others have their turns, which ' +
    'are short: the machine’s hours are everybody’s. A proxy sees the server’s end only; Ringside is measured with both ends of ' +
    'each connection, and with the server’s end only. The proxies write no access log. nginx alone is measured twice in a ' +
    'round: by how much the one differs from the other, nothing else can be told from it on this machine, and a goal ' +
    'whose margin is no larger is not judged.',
  rounds: 60,
  seconds: 1,
  figures: FIGURES,
  ratios: Object.entries(COMPARED).flatMap(([figure, what]) =>
    OTHERS.map((of) => ({
      name: `${what}, ${of} / alone`,
      figure,
      of,
      to: ALONE,
      goal: GOALS[figure]?.[of],
      control: AGAIN,
    }))
  ),
  curves: {},
  run,
});

/** Somebody who is asked on this port, by the client of this load. */
interface Seen {
  name: string;
  version: string;
  load: Load;
  port: number;
  /** Whatever looks on, in a cgroup of its own. */
  observers: readonly Cgroup[];
}

async function run({ seconds, recording, say, compare }: Run): Promise<void> {
  const ends: Array<() => unknown> = [];
  const kept = <T>(thing: T, end: (thing: T) => unknown): T => {
    ends.unshift(() => end(thing));
    return thing;
  };
  const start = async () => kept(await Load.start(), (load) => load.stop());
  const seen = async (name: string, load: Load, scope: Cgroup): Promise<Seen> => {
    const observer = kept(Cgroup.make(), (cgroup) => cgroup.remove());
    kept(await BenchAgent.start(scope, [], observer), (agent) => agent.stop());
    return { name, version, load, port: load.nginx.port, observers: [observer] };
  };
  try {
    const [alone, both, serverOnly] = [await start(), await start(), await start()];
    const nginx = { version: `nginx ${find('nginx')?.version}`, load: alone, port: alone.nginx.port, observers: [] };
    const contenders: Seen[] = [
      { name: ALONE, ...nginx },
      { name: AGAIN, ...nginx },
      await seen(RINGSIDE, both, both.scope),
      await seen(SERVER_ONLY, serverOnly, serverOnly.server),
    ];
    for (const kind of proxiesHere((name, reason) => recording.missed(name, reason))) {
      const sidecar = alone.scope.child(kind.program);
      const proxy = await kind.start(sidecar, { port: alone.nginx.port, workers: WORKERS });
      ends.push(() => proxy.remove());
      contenders.push({ ...kind, load: alone, port: proxy.port, observers: [sidecar] });
    }
    await sleep(SETTLE_MS);
    const rate = await steadyRate(contenders);
    say(`the steady rate is ${rate} requests/s`);
    await compare(contenders.map((each) => contender(each, rate, seconds)));
  } finally {
    for (const end of ends) {
      await end();
    }
  }
}

/** Half of what the slowest can serve beside a load with a processor of its own. */
async function steadyRate(contenders: readonly Seen[]): Promise<number> {
  const rates: number[] = [];
  for (const { load, port, observers } of contenders) {
    keepOff([load.server, ...observers], true);
    const { answered, nanoseconds } = await load.steady(0, 1, port);
    rates.push((answered / nanoseconds) * 1e9);
  }
  return Math.floor(Math.min(...rates) * STEADY_SHARE);
}

function contender({ name, version, load, port, observers }: Seen, rate: number, seconds: number): Contender {
  const serving = [load.server, ...observers];
  const used = (cgroups: readonly Cgroup[]) => cgroups.reduce((sum, cgroup) => sum + processorSeconds(cgroup), 0);
  const measure = async () => {
    keepOff(serving, false);
    const before = { served: used(serving), client: used([load.client]) };
    const { requests, requestsPerSecond } = await load.run(seconds, { port });
    const served = used(serving) - before.served;
    const client = used([load.client]) - before.client;
    keepOff(serving, true);
    const beforeSteady = used(serving);
    const steady = await load.steady(rate, seconds, port);
    return {
      throughput: requestsPerSecond,
      servedProcessor: (served / requests) * 1e6,
      allProcessor: ((served + client) / requests) * 1e6,
      steadyProcessor: ((used(serving) - beforeSteady) / steady.answered) * 1e6,
      p50: steady.latency.p50 / 1_000,
      p99: steady.latency.p99 / 1_000,
      usualP99: steady.usual.p99 / 1_000,
      p999: steady.latency.p999 / 1_000,
      lag: steady.lag.p99 / 1_000,
      ...(name === ALONE ? await ofTheLoad(load, rate) : {}),
    };
  };
  return { name, version, measure };
}

async function ofTheLoad(load: Load, rate: number): Promise<{ rate: number; limit: number }> {
  const { answered, nanoseconds } = await load.steady(0, 1, 0);
  return { rate, limit: (answered / nanoseconds) * 1e9 };
}
