/** A day of a node's HTTP, made up: the same numbers in every run, for whoever is to remember them. */
import { BUCKETS, BUCKETS_PER_OCTAVE, upperBoundSeconds } from '../../wire/histogram';
import { METRICS } from '../../wire/metrics';

export const METRIC = METRICS[0];
export const SCRAPE_MS = 15_000;
const TICK_MS = 1_000;

/** What is answered, and how often: most series of a real server move rarely. */
const STATUSES: ReadonlyArray<readonly [status: string, share: number]> = [
  ['200', 0.8],
  ['201', 0.08],
  ['204', 0.04],
  ['304', 0.03],
  ['404', 0.02],
  ['301', 0.01],
  ['400', 0.008],
  ['429', 0.005],
  ['500', 0.004],
  ['503', 0.003],
];
/** Of a pod and second; the busiest has as much more than this as the idlest has less. */
const REQUESTS_PER_SECOND = 5;
const LEAST_SHARE = 0.2;
/** Durations are spread like a bell over the buckets, around 4 ms to 60 ms: about two octaves to either side. */
const FASTEST_BUCKET = 12 * BUCKETS_PER_OCTAVE;
const MIDDLES = 4 * BUCKETS_PER_OCTAVE;
const DEVIATION = BUCKETS_PER_OCTAVE;
const FARTHEST = 3 * DEVIATION;
/** What an event of a bucket adds to the sum. */
const NANOSECONDS = Float64Array.from({ length: BUCKETS }, (_, bucket) => Math.round(upperBoundSeconds(bucket) * 1e9));

export interface SeriesSketch {
  pod: string;
  namespace: string;
  method: string;
  status: string;
  requestsPerSecond: number;
  middle: number;
}

/** What a series gained in an interval; the arrays are scratch space. */
export interface Gain {
  series: number;
  sumNanoseconds: number;
  buckets: Uint16Array;
  counts: Float64Array;
  length: number;
}

export interface Interval {
  toMs: number;
  /** Tells each series that moved. May be called once. */
  tell(hear: (gain: Gain) => void): void;
}

export interface Span {
  fromMs: number;
  /** From here on it is told by the second, before by the scrape. */
  fineFromMs: number;
  toMs: number;
}

export function seriesOf(pods: number): SeriesSketch[] {
  return Array.from({ length: pods }, (_, pod) =>
    STATUSES.map(([status, share]) => ({
      pod: `service-${pod % 50}-6d4b75cb6d-${String(pod).padStart(5, '0')}`,
      namespace: `team-${pod % 10}`,
      method: 'GET',
      status,
      requestsPerSecond:
        REQUESTS_PER_SECOND * share * (LEAST_SHARE + (2 * (1 - LEAST_SHARE) * pod) / Math.max(1, pods - 1)),
      middle: FASTEST_BUCKET + (pod % MIDDLES),
    }))
  ).flat();
}

/** All intervals of the span, oldest first. */
export function* traffic(series: readonly SeriesSketch[], { fromMs, fineFromMs, toMs }: Span): Generator<Interval> {
  const random = lcg(23);
  const counts = new Float64Array(BUCKETS);
  const gain: Gain = {
    series: 0,
    sumNanoseconds: 0,
    buckets: new Uint16Array(BUCKETS),
    counts: new Float64Array(BUCKETS),
    length: 0,
  };
  for (let atMs = fromMs; atMs < toMs;) {
    const stepMs = atMs < fineFromMs ? SCRAPE_MS : TICK_MS;
    atMs += stepMs;
    yield {
      toMs: atMs,
      tell: (hear) => {
        for (const [id, { requestsPerSecond, middle }] of series.entries()) {
          const events = poisson((requestsPerSecond * stepMs) / 1_000, random);
          if (events > 0) {
            for (let event = 0; event < events; event++) {
              counts[Math.round(middle + DEVIATION * bell(random))]++;
            }
            gain.series = id;
            gather(counts, Math.floor(middle - FARTHEST), gain);
            hear(gain);
          }
        }
      },
    };
  }
}

/** Moves what has been counted from this bucket on into the gain, and the counters back to 0. */
function gather(from: Float64Array, first: number, gain: Gain): void {
  gain.length = 0;
  gain.sumNanoseconds = 0;
  for (let bucket = first; bucket <= first + 2 * FARTHEST + 1; bucket++) {
    if (from[bucket] > 0) {
      gain.buckets[gain.length] = bucket;
      gain.counts[gain.length++] = from[bucket];
      gain.sumNanoseconds += from[bucket] * NANOSECONDS[bucket];
      from[bucket] = 0;
    }
  }
}

/** How many of something that happens so often on average (Knuth). */
function poisson(mean: number, random: () => number): number {
  const limit = Math.exp(-mean);
  let events = 0;
  for (let product = random(); product > limit; product *= random()) {
    events++;
  }
  return events;
}

/** Close enough to a normal distribution, and bounded: three deviations at most. */
function bell(random: () => number): number {
  return 2 * (random() + random() + random()) - 3;
}

/** The same numbers in every run (Numerical Recipes). */
function lcg(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
}
