/**
 * How old is the newest event an answer can show? One request to nginx, then one query after the other until it is in
 * an answer. Scraping shows an event half an interval later on average: 7.5 s at the usual 15 s.
 */
import { once } from 'node:events';
import { BenchAgent } from './support/agent';
import { header, row } from './support/figures';
import { Load } from './support/load';

const EVENTS = 53;
const HALF_A_SCRAPE_MS = 7_500;

async function main(): Promise<void> {
  const load = await Load.start();
  const agent = await BenchAgent.start(load.scope);
  const startMs = Date.now() - 1_000;
  const ages: number[] = [];
  const seen = async () => {
    const answer = await agent.query(startMs, Date.now() + 60_000, {
      metric: 'http_server_request_duration_seconds',
      select: 'increase',
      instant: true,
    });
    const values = answer.results.A.frames[0]?.data.values ?? [];
    return Number(values[values.length - 1]?.[0] ?? 0);
  };
  try {
    for (let event = 1; event <= EVENTS; event++) {
      const curl = load.client.spawn(
        'curl',
        ['-s', '-o', '/dev/null', `http://127.0.0.1:${load.nginx.port}/status/200`],
        { stdio: 'ignore' }
      );
      await once(curl, 'exit');
      const happenedMs = performance.now();
      while ((await seen()) < event) {
        if (performance.now() - happenedMs > 5_000) {
          throw new Error(`Event ${event} is in no answer after five seconds.`);
        }
      }
      ages.push(performance.now() - happenedMs);
    }
  } finally {
    await agent.stop();
    await load.stop();
  }
  header('From the end of a request to an answer that shows it');
  row('age of the newest event', ages, 'ms', 2);
  row(
    'half a scrape interval / that',
    ages.map((age) => HALF_A_SCRAPE_MS / age),
    'ratio',
    0
  );
}

void main();
