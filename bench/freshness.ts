/** How old is the newest event that an answer can show? */
import { once } from 'node:events';
import { version } from '../package.json';
import { Cgroup } from '../test/support/cgroup';
import { sleep } from '../test/support/wait';
import { BenchAgent } from './support/agent';
import { Database, databasesHere } from './support/databases';
import { Load } from './support/load';
import { ask, type Run } from './support/question';

const METRIC = 'http_server_request_duration_seconds';
const RINGSIDE = 'Ringside';
const SCRAPE_SECONDS = 15;
/** Longer than anybody has ever needed: VictoriaMetrics keeps the newest 30 s to itself. */
const GIVE_UP_MS = 180_000;
/** Between two questions to a database: nothing to an age of seconds. */
const PAUSE_MS = 20;

void ask(__filename, {
  title: 'The newest event',
  asks: 'How long after a request is over does an answer show it?',
  method:
    `One request to nginx at a moment of chance; then everybody is asked for the number of requests until it is in the ` +
    `answer. The databases scrape the same agent every ${SCRAPE_SECONDS} s, as they come.`,
  rounds: 11,
  seconds: SCRAPE_SECONDS,
  figures: { age: { name: 'Age of the newest event', unit: 'ms', goals: [{ of: RINGSIDE, atMost: 10 }] } },
  ratios: ['Prometheus', 'VictoriaMetrics'].map((of) => ({
    name: `age, ${of} / Ringside`,
    figure: 'age',
    of,
    to: RINGSIDE,
  })),
  curves: {},
  run,
});

/** Somebody who says how many requests there were. */
interface Witness {
  name: string;
  version: string;
  count(): Promise<number>;
}

async function run({ rounds, seconds, recording, say }: Run): Promise<void> {
  const load = await Load.start();
  const within = Cgroup.make();
  const agent = await BenchAgent.start(load.scope, [], within);
  const databases: Database[] = [];
  try {
    for (const here of databasesHere((name, reason) => recording.missed(name, reason))) {
      databases.push(await Database.start(here, { target: new URL(agent.url).host, intervalSeconds: SCRAPE_SECONDS }));
    }
    const witnesses = [
      { name: RINGSIDE, version, count: countOf(agent, Date.now() - 1_000) },
      ...databases.map(witness),
    ];
    witnesses.forEach((each) => recording.took(each));
    for (let round = -1; round < rounds; round++) {
      // A chance moment of the scrapes' interval; the first request makes the series that the others add to.
      await sleep(Math.random() * seconds * 1_000);
      const ages = await follow(load, witnesses, round + 2);
      say(`${round < 0 ? 'warm-up' : `round ${round + 1} of ${rounds}`}: ${told(ages)}`);
      if (round >= 0) {
        Object.entries(ages).forEach(([name, age]) => recording.add('age', name, age));
      }
    }
  } finally {
    await Promise.all(databases.map((database) => database.stop()));
    await agent.stop();
    await load.stop();
    await within.remove();
  }
}

/** Makes one request, and asks until everybody has told of it. @returns ages in milliseconds, by name */
async function follow(load: Load, witnesses: readonly Witness[], expected: number): Promise<Record<string, number>> {
  const url = `http://127.0.0.1:${load.nginx.port}/status/200`;
  const curl = load.client.spawn('curl', ['-s', '-o', '/dev/null', url], { stdio: 'ignore' });
  await once(curl, 'exit');
  const overMs = performance.now();
  const ageOf = async ({ name, count }: Witness, pauseMs: number) => {
    while ((await count()) < expected) {
      if (performance.now() - overMs > GIVE_UP_MS) {
        throw new Error(`${name} has not told of request ${expected} after ${GIVE_UP_MS / 1_000} s.`);
      }
      await (pauseMs > 0 ? sleep(pauseMs) : undefined);
    }
    return [name, performance.now() - overMs] as const;
  };
  const [ringside, ...databases] = witnesses;
  // It is done before a scrape is even likely, and asked by itself: its figure is milliseconds.
  const first = await ageOf(ringside, 0);
  const others = await Promise.all(databases.map((database) => ageOf(database, PAUSE_MS)));
  return Object.fromEntries([first, ...others]);
}

function countOf(agent: BenchAgent, sinceMs: number): () => Promise<number> {
  return async () => {
    const query = { metric: METRIC, select: 'increase', instant: true } as const;
    const answer = await agent.query(sinceMs, Date.now() + 60_000, query);
    const values = answer.results.A.frames[0]?.data.values ?? [];
    return Number(values[values.length - 1]?.[0] ?? 0);
  };
}

function witness(database: Database): Witness {
  return {
    name: database.name,
    version: database.version,
    count: async () => {
      const [total] = await database.ask('query', { query: `sum(${METRIC}_count)` });
      return Number(total?.value?.[1] ?? 0);
    },
  };
}

function told(ages: Record<string, number>): string {
  return Object.entries(ages)
    .map(([name, age]) => `${name} ${age.toFixed(1)} ms`)
    .join(', ');
}
