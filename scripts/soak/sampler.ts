/** What the agent takes and how it does, every few seconds: the material of the picture and of most verdicts. */
import type { Status } from '../../wire/status';
import { anonymousBytesOf, descriptorsOf, type Descriptors, type SoakAgent } from './agent';

export interface Sample {
  /** Seconds since the soak began, by a clock that nobody sets. */
  seconds: number;
  life: number;
  /** Seconds this life has been ready. */
  readySeconds: number;
  anonymousBytes: number;
  kernelMapBytes: number;
  descriptors: Descriptors;
  /** Answered by the servers themselves since the sample before, and recorded by the kernel: a second. */
  answeredPerSecond: number;
  recordedPerSecond: number;
  /** Seen, and neither recorded nor lost for a reason that is counted. */
  unaccounted: number;
  series: number;
  owners: number;
  pods: number;
  ticks: number;
  overruns: number;
  longestTickSeconds: number;
  /** How far back each tier of the history goes, and when the oldest of it was, finest first. */
  historySeconds: number[];
  historyStartMs: Array<number | null>;
  notices: string[];
}

/** What becomes of requests; together they are all that were seen. */
const FATES = ['recorded', 'in_flight', 'unparsed', 'overflowed', 'evicted', 'excluded'];

export class Sampler {
  readonly samples: Sample[] = [];
  readonly #startMs = performance.now();
  readonly #agent: SoakAgent;
  readonly #answered: () => number;
  #life = 0;
  #readySinceMs = 0;
  #last?: { ms: number; answered: number; recorded: number; life: number };

  /** @param answered how many requests servers have answered, all in all */
  constructor(agent: SoakAgent, answered: () => number) {
    this.#agent = agent;
    this.#answered = answered;
  }

  get seconds(): number {
    return (performance.now() - this.#startMs) / 1000;
  }

  /** Takes one, unless the agent is being restarted. */
  async sample(): Promise<void> {
    const { lives, pid } = this.#agent;
    if (!this.#agent.isReady) {
      return;
    }
    if (this.#life !== lives) {
      this.#life = lives;
      this.#readySinceMs = performance.now();
    }
    const anonymousBytes = anonymousBytesOf(pid);
    const descriptors = descriptorsOf(pid);
    const answers = await Promise.all([this.#agent.status(), this.#agent.get('/metrics')]).catch((error: unknown) => {
      if (this.#agent.isReady && this.#agent.lives === lives) {
        throw error;
      }
    });
    if (answers && anonymousBytes !== undefined && descriptors) {
      this.#add(answers[0], answers[1], { anonymousBytes, descriptors, life: lives });
    }
  }

  #add(status: Status, metrics: string, own: { anonymousBytes: number; descriptors: Descriptors; life: number }): void {
    const nowMs = performance.now();
    const [answered, recorded] = [this.#answered(), lossOf(status, 'recorded')];
    const last = this.#last;
    // Without pinned maps the next life counts from 0 again.
    const goesOn = last !== undefined && recorded >= last.recorded;
    const perSecond = (now: number, before = now) => (now - before) / ((nowMs - (last?.ms ?? 0)) / 1000);
    this.samples.push({
      ...own,
      seconds: this.seconds,
      readySeconds: (nowMs - this.#readySinceMs) / 1000,
      kernelMapBytes: status.memory.kernelMapBytes,
      answeredPerSecond: last ? perSecond(answered, last.answered) : 0,
      recordedPerSecond: goesOn ? perSecond(recorded, last.recorded) : 0,
      unaccounted: unaccountedOf(status),
      series: status.series.reduce((total, { used }) => total + used, 0),
      owners: status.identity.owners,
      pods: status.identity.pods,
      ticks: numberOf(metrics, 'ringside_tick_duration_seconds_count'),
      overruns: numberOf(metrics, 'ringside_tick_overruns_total'),
      longestTickSeconds: numberOf(metrics, 'ringside_tick_duration_max_seconds'),
      historySeconds: status.history.tiers.map(({ startMs }) =>
        startMs === null ? 0 : (status.nowMs - startMs) / 1000
      ),
      historyStartMs: status.history.tiers.map(({ startMs }) => startMs),
      notices: status.notices,
    });
    this.#last = { ms: nowMs, answered, recorded, life: own.life };
  }
}

/** Of HTTP requests: 0, unless some were lost without a word. */
export function unaccountedOf(status: Status): number {
  return lossOf(status, 'seen') - FATES.reduce((total, fate) => total + lossOf(status, fate), 0);
}

export function lossOf({ losses }: Status, counter: string): number {
  return losses.find((loss) => loss.program === 'http' && loss.counter === counter)?.value ?? 0;
}

/** The value of a metric without labels. */
function numberOf(exposition: string, name: string): number {
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(exposition)?.[1] ?? NaN);
}
