/** One soak, from its first pod to its last check. */
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, release } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { basename } from 'node:path';
import { Footprint } from '../../test/support/footprint';
import { until } from '../../test/support/wait';
import { Overloaded } from './agent';
import { Dashboard } from './dashboard';
import { Endings } from './endings';
import { isExcluded, Ledger, type Comparison } from './ledger';
import type { SoakOptions } from './options';
import { Random } from './random';
import type { Going } from './progress';
import type { Report } from './report';
import { Sampler, unaccountedOf } from './sampler';
import type { Stage } from './stage';
import { checkTotals, type TotalsCheck } from './totals';
import { duration, judge } from './verdicts';
import { Workload } from './workload';

/** Of many short lives, of a short soak, and of one of days: some thousand samples each. */
const SAMPLE_MS = { kills: 500, short: 1_000, long: 5_000 };
const LONG_MS = 30 * 60_000;
const READ_MS = 5_000;
const COMPARE_MS = 30_000;
/** Shorter ones are for runs of kills. */
const MIN_LIFE_MS = 10_000;
/** Between two checks of a run of kills. */
const KILLS_PER_CHECK = 20;
/** A pod is closed that long after its end: by then a tick has told of it, and has been read. */
const CLOSE_AFTER_MS = 60_000;
/** What was told last, and names that came last. */
const SETTLE_WITHIN_MS = 30_000;
const GIVEN_BACK_WITHIN_MS = 90_000;
const GONE_WITHIN_MS = 20_000;
/** Longer than the longest time in which no agent lives to see a tick. */
const METRONOME_STEP_MS = { restarts: 10_000, kills: 60_000 };
const METRONOME_RANGE_MS = 2 * 3_600_000;
/** Of what is wrong: more says no more. */
const MOST_LINES = 1_000;
/** So far back the clock has to be set for its hours to be told twice. */
const CLOCK_STEP_MS = 500;
/** pino's numbers: 50 is error, 60 is fatal. */
const ERROR_LEVEL = 50;

export class Run {
  readonly #startMs = Date.now();
  readonly #options: SoakOptions;
  readonly #stage: Stage;
  readonly #workload: Workload;
  readonly #dashboard: Dashboard;
  readonly #endings: Endings;
  readonly #ledger: Ledger;
  readonly #sampler: Sampler;
  readonly #during = { compared: 0, wrong: [] as string[] };
  readonly #failures: string[] = [];
  readonly #loops: Array<Promise<void>> = [];
  #clockMs = Date.now() - performance.now();
  #booksFree: Promise<void> = Promise.resolve();
  #isOver = false;

  constructor(options: SoakOptions, stage: Stage) {
    const random = (number: number) => new Random(options.seed + number);
    this.#options = options;
    this.#stage = stage;
    this.#workload = new Workload(stage.farm, stage.api, random(1));
    this.#dashboard = new Dashboard(stage.agent, random(2));
    this.#endings = new Endings(stage.agent, random(3));
    this.#ledger = new Ledger(stage.agent, this.#startMs, this.#workload);
    this.#sampler = new Sampler(stage.agent, () => this.#workload.answered);
  }

  /** How it goes, for the one who waits. */
  get going(): Going {
    const { durationMs, kills } = this.#options;
    return {
      seconds: this.#sampler.seconds,
      goal: kills === undefined ? duration(durationMs / 1000) : `${kills.toLocaleString('en')} kills`,
      pods: this.#workload.alive,
      restarts: this.#endings.all.length,
      kills: this.#endings.kills,
      sample: this.#sampler.samples.at(-1),
      wrong:
        this.#during.wrong.length + this.#failures.length + this.#dashboard.failures.length + this.#ledger.wrongSoFar,
    };
  }

  /**
   * Runs until its time is over, or until it is told to stop, and then checks.
   *
   * @param told resolves when somebody wants it to end early
   */
  async run(told: Promise<void>): Promise<Report> {
    const { agent } = this.#stage;
    agent.spawn();
    await agent.ready();
    await this.#workload.start(this.#options.pods);
    this.#dashboard.open();
    this.#workload.churn();
    const stopped = told.then(() => void (this.#isOver = true));
    await Promise.race([stopped, this.#goOn()]).catch((error: unknown) => this.#failed(error));
    this.#isOver = true;
    const { seconds } = this.#sampler;
    return { ...(await this.#finish()), seconds };
  }

  /** Until it is over; everything that is done every few seconds is done meanwhile. */
  async #goOn(): Promise<void> {
    const { durationMs, kills } = this.#options;
    const sampleMs = SAMPLE_MS[kills !== undefined ? 'kills' : durationMs < LONG_MS ? 'short' : 'long'];
    const loop = (ms: number, act: () => Promise<void>) => this.#loops.push(this.#every(ms, act));
    loop(sampleMs, async () => {
      this.#watchClock();
      await this.#workload.count();
      await this.#sampler.sample();
    });
    loop(READ_MS, () => this.#inTurn(() => this.#read()));
    loop(COMPARE_MS, () => this.#inTurn(() => this.#compare()));
    this.#loops.push(kills === undefined ? this.#restartNowAndThen(durationMs) : this.#killAgain(kills));
    const endMs = performance.now() + durationMs;
    while (!this.#isOver && performance.now() < endMs) {
      await sleep(100);
      if (this.#workload.failure !== undefined) {
        throw this.#workload.failure;
      }
      if (this.#stage.agent.hasFailed) {
        throw new Error(`The agent has ended by itself. Its log ends with:\n${this.#stage.agent.logTail()}`);
      }
    }
  }

  async #restartNowAndThen(durationMs: number): Promise<void> {
    const lifeMs = Math.max(durationMs / this.#options.lives, MIN_LIFE_MS);
    for (let life = 1; life < this.#options.lives && !this.#isOver; life++) {
      await this.#sleep(lifeMs);
      if (!this.#isOver) {
        await this.#guard(() => this.#endings.restart());
      }
    }
  }

  async #killAgain(kills: number): Promise<void> {
    while (!this.#isOver && this.#endings.kills < kills) {
      await this.#guard(() => this.#endings.kill());
      if (this.#endings.kills % KILLS_PER_CHECK === 0) {
        await this.#guard(async () => void (await this.#stage.agent.ready()));
        await this.#guard(() => this.#sampler.sample());
        await this.#guard(() => this.#inTurn(() => this.#read()));
        await this.#guard(() => this.#inTurn(() => this.#compare()));
      }
    }
    this.#isOver = true;
  }

  async #every(ms: number, act: () => Promise<void>): Promise<void> {
    for (;;) {
      await this.#sleep(ms);
      if (this.#isOver) {
        return;
      }
      await this.#guard(act);
    }
  }

  /** In pieces, so that the end need not be waited for. */
  async #sleep(ms: number): Promise<void> {
    for (const endMs = performance.now() + ms; !this.#isOver && performance.now() < endMs;) {
      await sleep(Math.min(100, Math.max(0, endMs - performance.now())));
    }
  }

  /** An answer that a restart has cut off, or that a busy agent has no time for, is no failure: it is asked again. */
  async #guard(act: () => Promise<void>): Promise<void> {
    const { agent } = this.#stage;
    const { lives } = agent;
    try {
      await act();
    } catch (error) {
      if (agent.hasFailed || (agent.isReady && agent.lives === lives && !(error instanceof Overloaded))) {
        this.#failed(error);
      }
    }
  }

  /** The history follows a clock that is set back; pages that were read by the old one do not. */
  #watchClock(): void {
    const clockMs = Date.now() - performance.now();
    if (clockMs < this.#clockMs - CLOCK_STEP_MS) {
      const stepMs = Math.round(this.#clockMs - clockMs);
      this.#failures.push(`The clock was set back by ${stepMs} ms: counts of before and after may be read twice.`);
    }
    this.#clockMs = clockMs;
  }

  /** Who reads the books must not meet one who turns a page. */
  #inTurn(act: () => Promise<void>): Promise<void> {
    const done = this.#booksFree.then(act);
    this.#booksFree = done.catch(() => undefined);
    return done;
  }

  #failed(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    if (this.#failures.length < MOST_LINES) {
      this.#failures.push(`${new Date().toISOString()} ${text}`);
    }
    this.#isOver ||= this.#stage.agent.hasFailed;
  }

  async #read(): Promise<void> {
    if (this.#stage.agent.isReady) {
      await this.#ledger.readPages(this.#workload.pods, Date.now());
      const over = this.#workload.over(this.#ledger.readUpToMs - CLOSE_AFTER_MS);
      this.#ledger.close(over);
      this.#workload.forget(over);
    }
  }

  /** What is told must lie between what was done before it was told and what had begun after it, at any moment. */
  async #compare(): Promise<void> {
    const { agent } = this.#stage;
    if (!agent.isReady) {
      return;
    }
    const { pods, happened } = this.#workload;
    const before = happened.killed;
    const comparisons = await this.#ledger.compareNow(pods, () => this.#workload.count());
    // One that was killed meanwhile was not known to be.
    if (before === happened.killed) {
      this.#during.compared++;
      const room = Math.max(0, MOST_LINES - this.#during.wrong.length);
      const wrong = comparisons.flatMap((comparison) => comparison.wrong).slice(0, room);
      this.#during.wrong.push(...wrong.map((line) => `${new Date().toISOString()} ${line}`));
    }
  }

  async #finish(): Promise<Omit<Report, 'seconds'>> {
    const { agent } = this.#stage;
    await Promise.all(this.#loops);
    await this.#attempt('the end of the churn', () => this.#workload.calm());
    await this.#dashboard.close();
    if (agent.hasFailed) {
      await agent.end('SIGKILL');
      agent.spawn();
    }
    await this.#attempt('the agent', () => agent.ready());
    const totals = await this.#attempt('/metrics', () => this.#totals());
    const metronome = await this.#attempt('the steady pod', () => this.#metronome());
    await this.#attempt('the end of the load', () => this.#workload.end());
    const comparisons = await this.#attempt('the counts', () => this.#settled());
    const series = await this.#attempt('the series', () => this.#seriesInUse());
    const unaccounted = await this.#attempt('the accounts', async () => unaccountedOf(await agent.status()));
    const left = await this.#attempt('the end of the agent', () => this.#left());
    const verdicts = judge({
      samples: this.#sampler.samples,
      endings: this.#endings.all,
      comparisons: comparisons ?? [],
      during: this.#during,
      totals: totals ?? { compared: 0, wrong: [] },
      misnamed: this.#ledger.misnamed,
      unnamed: this.#ledger.unnamed,
      metronome: metronome ?? [],
      series: series ?? NaN,
      unaccounted: unaccounted ?? NaN,
      dashboard: this.#dashboard,
      logErrors: errorsIn(agent.logFile),
      left: left ?? [],
      failures: this.#failures,
    });
    const { durationMs } = this.#options;
    return {
      startedAt: new Date(this.#startMs).toISOString(),
      options: { ...this.#options, durationMs: Number.isFinite(durationMs) ? durationMs : null },
      machine: { kernel: release(), node: process.version, processors: availableParallelism() },
      isGood: verdicts.every(({ isGood }) => isGood),
      verdicts,
      happened: this.#workload.happened,
      endings: this.#endings.all,
      samples: this.#sampler.samples,
    };
  }

  /** What cannot be found out is a failure too, and the rest is still of interest. */
  async #attempt<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      this.#failures.push(`${what}: ${(error as Error).message}`);
      return undefined;
    }
  }

  async #totals(): Promise<TotalsCheck> {
    const measured = this.#workload.pods.filter((pod) => !isExcluded(pod));
    return checkTotals(
      measured,
      () => this.#stage.agent.get('/metrics'),
      () => this.#workload.count()
    );
  }

  async #metronome(): Promise<Array<number | null>> {
    const stepMs = METRONOME_STEP_MS[this.#options.kills === undefined ? 'restarts' : 'kills'];
    const toMs = Math.floor(Date.now() / stepMs) * stepMs;
    // The first step is not whole: the pod began in it.
    const firstMs = (Math.ceil(this.#workload.metronome.createdAt.getTime() / stepMs) + 1) * stepMs;
    const fromMs = Math.max(firstMs, toMs - METRONOME_RANGE_MS);
    if (fromMs >= toMs) {
      return [];
    }
    const { A } = await this.#stage.agent.query(fromMs, toMs, [
      {
        refId: 'A',
        metric: 'http_server_request_duration_seconds',
        select: 'rate',
        by: ['pod'],
        where: [{ label: 'pod', op: '=', value: this.#workload.metronome.spec.name }],
        stepMs,
      },
    ]);
    return (A[0]?.data.values[1] ?? [null]) as Array<number | null>;
  }

  /** Nothing happens any more: what was told last is waited for, and then everything has to be right. */
  async #settled(): Promise<Comparison[]> {
    const { pods } = this.#workload;
    const count = () => this.#workload.count();
    await until(
      'the last counts',
      async () => {
        const now = await this.#ledger.compareNow(pods, count);
        return now.every(({ wrong }) => wrong.length === 0);
      },
      { timeoutMs: SETTLE_WITHIN_MS, everyMs: 500 }
    ).catch(() => undefined);
    await this.#ledger.readRest(pods);
    return this.#ledger.compare(pods);
  }

  /** Every pod is gone: what they used is given back for others. */
  async #seriesInUse(): Promise<number> {
    let used = NaN;
    const ask = async () => {
      const { series } = await this.#stage.agent.status();
      used = series.reduce((total, program) => total + program.used, 0);
      return used === 0;
    };
    await until('series to be given back', ask, { timeoutMs: GIVEN_BACK_WITHIN_MS, everyMs: 500 }).catch(
      () => undefined
    );
    return used;
  }

  /** What of the agent is still there when it has ended, and all that it had pinned is detached. */
  async #left(): Promise<string[]> {
    const { agent, cgroup } = this.#stage;
    const footprint = Footprint.of(agent.pid, basename(cgroup.path));
    await agent.end('SIGTERM');
    await this.#stage.detach();
    const left = () => footprint.left().filter((line) => !line.startsWith('cgroup '));
    await until('everything to be gone', () => left().length === 0, {
      timeoutMs: GONE_WITHIN_MS,
      everyMs: 100,
    }).catch(() => undefined);
    return [...left(), ...this.#stage.pinned.map((path) => `pinned ${path}`)];
  }
}

/** What an agent says at level error and above, and what is no line of a log at all. */
function errorsIn(logFile: string): string[] {
  const lines = existsSync(logFile) ? readFileSync(logFile, 'utf8').split('\n').filter(Boolean) : [];
  return lines.filter((line) => {
    try {
      return JSON.parse(line).level >= ERROR_LEVEL;
    } catch {
      return !line.startsWith('Ringside ');
    }
  });
}
