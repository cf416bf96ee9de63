/** What is held against what, at the end: one row each, with what was found and how much would have been too much. */
import type { Ending } from './endings';
import type { Comparison } from './ledger';
import type { Sample } from './sampler';
import type { TotalsCheck } from './totals';
import { commonSlope, floorOf, longestLife, type Point } from './trend';

export interface Verdict {
  name: string;
  /** What was found. */
  found: string;
  /** What is asked for. */
  bound: string;
  isGood: boolean;
  /** What is behind it, where it is not good: a few lines. */
  details?: string[];
}

/** Everything that was seen of the run. */
export interface Evidence {
  samples: readonly Sample[];
  endings: readonly Ending[];
  /** At the end, and how often and with what result while it went on. */
  comparisons: readonly Comparison[];
  during: { compared: number; wrong: readonly string[] };
  totals: TotalsCheck;
  misnamed: readonly string[];
  unnamed: number;
  /** Of a pod that asks ten times a second, never faster: a point every ten seconds. */
  metronome: ReadonlyArray<number | null>;
  /** In use still, when all pods are gone. */
  series: number;
  /** Of HTTP requests, when all is over. */
  unaccounted: number;
  dashboard: {
    answered: number;
    missed: number;
    turnedAway: number;
    slowestMs: number;
    kindsAsked: string;
    failures: readonly string[];
  };
  logErrors: readonly string[];
  /** What was still there after the agent had ended and all that it had pinned was detached. */
  left: readonly string[];
  /** Why it did not go on to its end, if it did not. */
  failures: readonly string[];
}

const MB = 1_000_000;
/** The start leaves garbage and code that runs once; V8 finds out in time. */
const SETTLE_SECONDS = 60;
/** What is there when nothing is under way shows in the least value of a span; a collection comes every ten seconds. */
const FLOOR_SECONDS = 20;
/** A life that was observed for less says nothing about growth. */
const MIN_LIFE_SECONDS = 60;
/** By so much the same agent differs, with when garbage was collected last, over a life of whatever length. */
const GROWTH_BYTES = 3 * MB;
/**
 * Most maps are as large as they may ever be from the start on. What is noted of a cgroup that is gone stays for two
 * minutes of one life: where lives are shorter, for all of them.
 */
const MAP_BYTES = 2 * MB;
const GROWTH_DESCRIPTORS = 3;
/** What was told is kept in maps, too: some are made when they are first needed. */
const GROWTH_MAPS = 4;
/** Ticks that a busy machine may leave out. */
const OVERRUN_SHARE = 0.02;
const OVERRUNS = 5;
/** What the rounding of ticks to whole seconds can make of an instant. */
const ROUNDED_MS = 1_500;
export const METRONOME_PER_SECOND = 10;
/** A step of 10 s holds the events of up to one second more or less. */
const SPIKE = 1.5;
const MOST_DETAILS = 10;
const TOO_SHORT = 'no life was long enough to tell';
const NOT_MEASURED = 'not measured';

export function judge(evidence: Evidence): Verdict[] {
  return [
    ...counts(evidence),
    restarts(evidence),
    metronome(evidence),
    names(evidence),
    accounts(evidence),
    seriesInUse(evidence),
    memory(evidence),
    kernelMaps(evidence),
    descriptors(evidence),
    bpfObjects(evidence),
    history(evidence),
    ticks(evidence),
    queries(evidence),
    nothing('errors in the log', evidence.logErrors),
    nothing('left behind', evidence.left),
    nothing('interruptions', evidence.failures),
  ];
}

function counts({ comparisons, during, totals }: Evidence): Verdict[] {
  return [
    ...comparisons.map(({ account, told, done, begun, wrong }) => ({
      name: account,
      found: `${count(told)} told`,
      bound: `${boundsText(done, begun)} counted by the processes`,
      ...verdictOf(wrong),
    })),
    {
      name: 'the same, while it went on',
      found: `${count(during.wrong.length)} wrong`,
      bound: `0 of ${count(during.compared)} comparisons`,
      ...verdictOf(during.wrong),
    },
    {
      name: '/metrics of the living',
      found: `${count(totals.wrong.length)} wrong`,
      bound: `0 of ${count(totals.compared)} totals`,
      ...verdictOf(totals.wrong),
    },
  ];
}

function restarts({ endings }: Evidence): Verdict {
  const ready = endings.flatMap(({ readySeconds }) => readySeconds ?? []);
  const kills = endings.filter(({ signal }) => signal === 'SIGKILL').length;
  return {
    name: 'restarts',
    found: `${count(endings.length)}, ${count(kills)} of them kills`,
    bound:
      ready.length > 0 ? `ready again after ${Math.max(...ready).toFixed(1)} s at the latest` : 'none was waited for',
    isGood: true,
  };
}

function metronome({ metronome: values }: Evidence): Verdict {
  const wrong = values.flatMap((value, i) =>
    value === null || value < 0 || value > METRONOME_PER_SECOND * SPIKE
      ? [`step ${i + 1} of ${values.length}: ${value ?? 'nothing was measured'}`]
      : []
  );
  return {
    name: 'a steady pod’s rate',
    found: spanOf(
      values.filter((value) => value !== null),
      (value) => value.toFixed(1),
      'requests/s'
    ),
    bound: `no gap, spike or negative in ${values.length} steps`,
    ...verdictOf(wrong),
  };
}

function names({ misnamed, unnamed }: Evidence): Verdict {
  return {
    name: 'under a wrong name',
    found: `${count(misnamed.length)}${unnamed > 0 ? ` (${count(unnamed)} without one)` : ''}`,
    bound: '0',
    ...verdictOf(misnamed),
  };
}

function accounts({ unaccounted, samples }: Evidence): Verdict {
  const most = Math.max(0, ...samples.map((sample) => Math.abs(sample.unaccounted)));
  return {
    name: 'seen, and not accounted for',
    found: `${count(unaccounted)}${most > 0 ? ` (${count(most)} while counters moved)` : ''}`,
    bound: '0 when all is over',
    isGood: unaccounted === 0,
  };
}

function seriesInUse({ series, samples }: Evidence): Verdict {
  const most = Math.max(0, ...samples.map((sample) => sample.series));
  return {
    name: 'series not given back',
    found: `${count(series)} of ${count(most)} at the most`,
    bound: '0 when all pods are gone',
    isGood: series === 0,
  };
}

function memory({ samples }: Evidence): Verdict {
  const { growth, perHour, observed } = growthOf(samples, ({ anonymousBytes }) => anonymousBytes);
  const span = spanOf(
    samples.map(({ anonymousBytes }) => anonymousBytes / MB),
    (value) => value.toFixed(1),
    'MB'
  );
  return {
    name: 'anonymous memory',
    found: observed ? `${span}; ${signed(perHour / MB)} MB/h, ${signed(growth / MB)} MB in the longest life` : span,
    bound: observed ? `at most +${GROWTH_BYTES / MB} MB in a life` : TOO_SHORT,
    isGood: growth <= GROWTH_BYTES,
  };
}

function kernelMaps({ samples }: Evidence): Verdict {
  const sizes = samples.map(({ kernelMapBytes }) => kernelMapBytes);
  return {
    name: 'kernel maps',
    found: spanOf(sizes, (bytes) => (bytes / MB).toFixed(2), 'MB'),
    bound: `within ${MAP_BYTES / MB} MB of each other`,
    isGood: Math.max(0, ...sizes) - Math.min(...sizes) <= MAP_BYTES,
  };
}

function descriptors({ samples }: Evidence): Verdict {
  const { growth, observed } = growthOf(samples, (sample) => sample.descriptors.open);
  const span = spanOf(samples.map((sample) => sample.descriptors.open));
  return {
    name: 'open descriptors',
    found: observed ? `${span}; ${signed(growth)} in the longest life` : span,
    bound: observed ? `at most +${GROWTH_DESCRIPTORS} in a life` : TOO_SHORT,
    isGood: growth <= GROWTH_DESCRIPTORS,
  };
}

/** All that an agent holds, whether it has loaded it or taken it over. */
function bpfObjects({ samples }: Evidence): Verdict {
  const kinds = ['programs', 'maps', 'links'] as const;
  const seen = kinds.map((kind) => samples.map(({ descriptors: held }) => held[kind]));
  const spread = (counts: readonly number[]) => Math.max(0, ...counts) - Math.min(...counts);
  const [programs, maps, links] = seen.map(spread);
  return {
    name: 'BPF programs, maps, links',
    found: samples.length > 0 ? seen.map((counts) => spanOf(counts)).join(', ') : NOT_MEASURED,
    bound: `the same in every life, but for ${GROWTH_MAPS} maps`,
    isGood: programs <= 0 && maps <= GROWTH_MAPS && links <= 0,
  };
}

/** Of each tier: the oldest instant never comes back, and lies no further back than the one of a coarser tier. */
function history({ samples }: Evidence): Verdict {
  const wrong: string[] = [];
  samples.forEach(({ historyStartMs: starts, seconds }, i) => {
    starts.forEach((startMs, tier) => {
      const before = samples[i - 1]?.historyStartMs[tier] ?? null;
      const coarser = starts[tier + 1] ?? null;
      if (startMs !== null && before !== null && startMs < before) {
        wrong.push(`tier ${tier} went back by ${before - startMs} ms at ${seconds.toFixed(0)} s`);
      }
      if (startMs === null && before !== null) {
        wrong.push(`tier ${tier} was empty at ${seconds.toFixed(0)} s`);
      }
      if (startMs !== null && coarser !== null && coarser > startMs + ROUNDED_MS) {
        wrong.push(`tier ${tier + 1} began later than the finer one at ${seconds.toFixed(0)} s`);
      }
    });
  });
  const last = samples.at(-1)?.historySeconds ?? [];
  return {
    name: 'history',
    found: last.length > 0 ? `${last.map(duration).join(', ')} back, by tier` : NOT_MEASURED,
    bound: 'its start only moves on',
    ...verdictOf(wrong),
  };
}

function ticks({ samples }: Evidence): Verdict {
  // Of a life that was over soon, the start is too much of it.
  const settled = samples.filter(({ readySeconds }) => readySeconds >= SETTLE_SECONDS);
  const lives = new Map(settled.map((sample) => [sample.life, sample]));
  const total = [...lives.values()].reduce((all, { ticks: some }) => all + some, 0);
  const overruns = [...lives.values()].reduce((all, { overruns: some }) => all + some, 0);
  const longest = Math.max(0, ...samples.map(({ longestTickSeconds }) => longestTickSeconds));
  return {
    name: 'ticks left out',
    found: `${count(overruns)} of ${count(total)}, the longest took ${(longest * 1000).toFixed(0)} ms`,
    bound: `${OVERRUN_SHARE * 100} %, or ${OVERRUNS}`,
    isGood: overruns <= Math.max(OVERRUNS, total * OVERRUN_SHARE),
  };
}

function queries({ dashboard }: Evidence): Verdict {
  const { answered, missed, turnedAway, slowestMs, kindsAsked, failures } = dashboard;
  return {
    name: 'failed requests',
    found: `${failures.length} of ${count(answered)}, the slowest took ${Math.round(slowestMs)} ms`,
    bound: `0, with ${kindsAsked} kinds asked; ${count(missed)} met a restart, ${count(turnedAway)} a busy agent`,
    ...verdictOf(failures),
  };
}

function nothing(name: string, lines: readonly string[]): Verdict {
  return { name, found: String(lines.length), bound: '0', ...verdictOf(lines) };
}

function verdictOf(wrong: readonly string[]): Pick<Verdict, 'isGood' | 'details'> {
  const details = wrong.slice(0, MOST_DETAILS);
  if (wrong.length > MOST_DETAILS) {
    details.push(`… and ${wrong.length - MOST_DETAILS} more`);
  }
  return { isGood: wrong.length === 0, ...(wrong.length > 0 && { details }) };
}

/** Over a life, as the slope that all lives have in common says. */
function growthOf(samples: readonly Sample[], value: (sample: Sample) => number) {
  const settled = samples.filter(({ readySeconds }) => readySeconds >= SETTLE_SECONDS);
  const points = settled.map((sample): Point => ({ life: sample.life, time: sample.seconds, value: value(sample) }));
  const life = longestLife(points);
  const slope = life >= MIN_LIFE_SECONDS ? commonSlope(floorOf(points, FLOOR_SECONDS)) : undefined;
  return { observed: slope !== undefined, growth: (slope ?? 0) * life, perHour: (slope ?? 0) * 3600 };
}

function boundsText(least: number, most: number): string {
  if (least === most) {
    return count(least);
  }
  return most === Infinity ? `${count(least)} or more` : `${count(least)} to ${count(most)}`;
}

function spanOf(values: readonly number[], text: (value: number) => string = count, unit = ''): string {
  if (values.length === 0) {
    return NOT_MEASURED;
  }
  const [least, most] = [Math.min(...values), Math.max(...values)].map(text);
  return `${least === most ? least : `${least} to ${most}`} ${unit}`.trimEnd();
}

function count(value: number): string {
  return value.toLocaleString('en');
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(1)}`;
}

export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours > 0 ? `${hours} h ${minutes} min` : minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}
