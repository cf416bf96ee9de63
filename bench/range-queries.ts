/** What does a dashboard cost, asked of Ringside and of a database that has scraped the same? */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { version } from '../package.json';
import { Cgroup } from '../test/support/cgroup';
import { sleep } from '../test/support/wait';
import { BenchAgent } from './support/agent';
import { checkAgreement } from './support/agreement';
import { Database, DATABASES, databasesHere, NATIVE_PROMETHEUS } from './support/databases';
import { anonymousBytes } from './support/memory';
import { Past } from './support/past';
import { ask, type Run } from './support/question';
import { askDatabase, askRingside, QUESTIONS, type Question, type Range } from './support/questions';
import { RemoteWrite } from './support/remote-write';
import type { Contender } from './support/rounds';
import { spread } from './support/statistics';
import { Scrapes } from './support/scrapes';
import { SCRAPE_MS, seriesOf, traffic, type Gain } from './support/traffic';

const PODS = 200;
const NODE = 'bench';
const RINGSIDE = 'Ringside';
const ALL = [...DATABASES, NATIVE_PROMETHEUS];
/** Holds an hour of these pods by the second, and a day of them by the minute. */
const HISTORY_BYTES = 176 * 1024 * 1024;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** A day, and a little more: each round asks about a range that ends a scrape later, as a dashboard that is watched. */
const PAST_SECONDS = 87_000;
/** Before this it is told by the scrape: nobody is asked for its seconds. */
const FINE_MS = HOUR_MS + 10 * MINUTE_MS;
/** Prometheus compacts its head when it is longer than three hours; what that takes is not what a day and night take. */
const HEAD_SECONDS = 3.5 * 3_600;
const SETTLED_WITHIN_MS = 20 * MINUTE_MS;
const SETTLE_MS = 5_000;
/** How often each question is asked in a round, as far as this time goes. */
const ASKED = 5;
const ASKING_MS = 3_000;
const MB = 1_000_000;

void ask(__filename, {
  title: 'Against scrape-and-store',
  asks: 'How long does a dashboard wait for an answer, from Ringside and from a database that scrapes it?',
  method:
    `A day of ${PODS} pods with ten series each, made up, is given to everybody before anybody is asked: to Ringside as a ` +
    'history file with which the built agent starts, to the databases by remote write, as scrapes of the agent’s /metrics ' +
    'every 15 s with its classic buckets. Then each is asked over HTTP, five times in a row or as often as 3 s allow, like ' +
    'a dashboard that is looked at; time is until the last byte is there, of these the median. The ' +
    'databases are asked as Grafana asks them, with windows of at least four scrapes, and VictoriaMetrics without its ' +
    'cache of answers. Native histograms are an experiment of Prometheus, and the agent does not offer them for scraping ' +
    'yet: they are here because they are as fine as Ringside’s. Before that, everybody is asked about the same ' +
    'windows, and the answers are compared: a p99 has to lie within the same bucket (a classic one is an octave wide); counts have to agree within 1 %. Memory is ' +
    'anonymous memory: of the agent with all of that history and its kernel maps, against a database and an agent as it ' +
    'comes. --seconds is how much of the past there is.',
  rounds: 5,
  seconds: PAST_SECONDS,
  figures: {
    ...Object.fromEntries(QUESTIONS.map(({ key, name }) => [key, { name, unit: 'ms' }])),
    ...Object.fromEntries(QUESTIONS.map(({ key, name }) => [lengthOf(key), { name: `Answer: ${name}`, unit: 'kB' }])),
    memory: { name: 'Memory of the whole observer', unit: 'MB' },
  },
  ratios: [
    ...QUESTIONS.flatMap(({ key, name }) =>
      ALL.map(({ name: of }) => ({
        name: `${name}, ${of} / Ringside`,
        figure: key,
        of,
        to: RINGSIDE,
        goal: { atLeast: 10 },
      }))
    ),
    ...ALL.map(({ name: of }) => ({ name: `memory, ${of} / Ringside`, figure: 'memory', of, to: RINGSIDE })),
  ],
  curves: {},
  run,
});

function lengthOf(key: string): string {
  return `${key}Bytes`;
}

async function run({ rounds, seconds, recording, say, compare }: Run): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'ringside-past-'));
  const scope = Cgroup.make();
  const databases: Database[] = [];
  const agents: BenchAgent[] = [];
  try {
    for (const here of databasesHere((name, reason) => recording.missed(name, reason), ALL)) {
      databases.push(await Database.start(here));
    }
    const toMs = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;
    const path = join(folder, 'history');
    await remember(path, databases, { fromMs: toMs - seconds * 1_000, toMs }, say);
    await Promise.all(databases.map((database) => settle(database, say)));
    const flags = ['--node', NODE, '--history-bytes', String(HISTORY_BYTES), '--history-file', path];
    // One that remembers all of it, and one as it comes, which is what a database scrapes.
    agents.push(await BenchAgent.start(scope, flags), await BenchAgent.start(scope));
    const [agent, scraped] = agents;
    await sleep(SETTLE_MS);

    const room = ROUND_MS * (rounds + 1);
    const questions = QUESTIONS.filter(({ rangeMs }) => rangeMs + room <= seconds * 1_000);
    for (const question of questions) {
      await checkAgreement(question, rangeOf(question, toMs), agent, databases);
      say(`they agree on ${question.name}`);
    }
    const turns = turnsOf(questions, toMs - room);
    await compare([
      contender(
        RINGSIDE,
        version,
        turns,
        () => memoryOf(agent),
        (...asked) => askRingside(agent, ...asked)
      ),
      ...databases.map((database) =>
        contender(
          database.name,
          database.version,
          turns,
          async () => anonymousBytes(database.cgroup) + (await memoryOf(scraped)),
          (...asked) => askDatabase(database, ...asked)
        )
      ),
    ]);
  } finally {
    await Promise.all([...databases, ...agents].map((each) => each.stop()));
    await scope.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** How much later the range ends in each round. */
const ROUND_MS = SCRAPE_MS;

type Turns = (turn: number) => Array<readonly [Question, Range]>;

function turnsOf(questions: readonly Question[], firstMs: number): Turns {
  return (turn) => questions.map((question) => [question, rangeOf(question, firstMs + turn * ROUND_MS)] as const);
}

function rangeOf({ rangeMs, stepMs }: Question, toMs: number): Range {
  // Grafana asks for whole steps, too; one value over all of it begins at any minute.
  const unitMs = stepMs < rangeMs ? stepMs : MINUTE_MS;
  const end = Math.floor(toMs / unitMs) * unitMs;
  return { fromMs: end - rangeMs, toMs: end };
}

function contender(
  name: string,
  about: string,
  turns: Turns,
  memory: () => Promise<number>,
  answer: (question: Question, range: Range) => Promise<string>
): Contender {
  let turn = 0;
  const measure = async () => {
    const figures: Record<string, number> = { memory: (await memory()) / MB };
    for (const [question, range] of turns(turn++)) {
      const took: number[] = [];
      const endMs = performance.now() + ASKING_MS;
      do {
        const startMs = performance.now();
        const text = await answer(question, range);
        took.push(performance.now() - startMs);
        figures[lengthOf(question.key)] = text.length / 1_000;
      } while (took.length < ASKED && performance.now() < endMs);
      figures[question.key] = spread(took).median;
    }
    return figures;
  };
  return { name, version: about, measure };
}

async function memoryOf(agent: BenchAgent): Promise<number> {
  const { anonymousBytes: anonymous, kernelMapBytes } = (await agent.status()).memory;
  return anonymous + kernelMapBytes;
}

/** Gives everybody the same past. */
async function remember(
  path: string,
  databases: readonly Database[],
  { fromMs, toMs }: Range,
  say: (line: string) => void
): Promise<void> {
  const series = seriesOf(PODS);
  const past = new Past({ path, node: NODE, bytes: HISTORY_BYTES, series, fromMs });
  const writersTo = (isNative: boolean) =>
    databases.filter(({ kind }) => kind.isNative === isNative).map(({ url }) => new RemoteWrite(`${url}/api/v1/write`));
  const job = { job: 'ringside', instance: '127.0.0.1:9420', node: NODE };
  const scrapes = new Scrapes(writersTo(false), series, job, writersTo(true));
  await scrapes.scrape(fromMs);
  for (const { toMs: atMs, tell } of traffic(series, { fromMs, fineFromMs: Math.max(fromMs, toMs - FINE_MS), toMs })) {
    past.add(atMs, (hear) =>
      tell((gain: Gain) => {
        hear(gain);
        scrapes.gain(gain);
      })
    );
    if ((atMs - fromMs) % SCRAPE_MS === 0) {
      await scrapes.scrape(atMs);
    }
    if ((atMs - fromMs) % HOUR_MS === 0) {
      say(`given: ${(atMs - fromMs) / HOUR_MS} h of ${((toMs - fromMs) / HOUR_MS).toFixed(1)} h`);
    }
  }
  await scrapes.flush();
  for (const { rangeMs, stepMs, name } of QUESTIONS.filter(({ rangeMs }) => rangeMs <= toMs - fromMs)) {
    const resolutionMs = past.resolutionMs(toMs - rangeMs);
    if (stepMs % resolutionMs > 0) {
      const used = past.used.map((share) => share.toFixed(2)).join(', ');
      throw new Error(
        `The history of ${HISTORY_BYTES} bytes knows of ${name} steps of ${resolutionMs} ms only; used: ${used}.`
      );
    }
  }
}

/** Waits until a database has put away what it was given faster than time passes. */
async function settle(database: Database, say: (line: string) => void): Promise<void> {
  const deadline = performance.now() + SETTLED_WITHIN_MS;
  for (;;) {
    const [least, most] = [
      await database.gauge('prometheus_tsdb_head_min_time_seconds'),
      await database.gauge('prometheus_tsdb_head_max_time_seconds'),
    ];
    if (least === undefined || most === undefined || most - least <= HEAD_SECONDS) {
      say(`${database.name} is at rest`);
      return;
    }
    if (performance.now() > deadline) {
      throw new Error(`${database.name} still has ${((most - least) / 3_600).toFixed(1)} h in its head.`);
    }
    await sleep(SETTLE_MS);
  }
}
