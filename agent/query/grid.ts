/** The points of a range: steps of equal width, aligned on the epoch, so that a moving range keeps its points. */
import type { History } from '../history/history';
import { WireError } from '../../wire/errors';
import { DEFAULT_MAX_POINTS, LIMITS, MIN_STEP_MS, type Query } from '../../wire/query';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const NICE_STEPS_MS = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12, 24].map((n) => n * HOUR),
];

/** Epoch milliseconds. */
export interface Range {
  from: number;
  to: number;
}

export interface Grid {
  /** Start of the first step; a step holds what happened after its start and up to its end. */
  startMs: number;
  stepMs: number;
  steps: number;
  /** Where the range ends; the last step may reach beyond. */
  endMs: number;
}

/** One step that is exactly the range. */
export function wholeRange({ from, to }: Range): Grid {
  return { startMs: from, stepMs: Math.max(1, to - from), steps: 1, endMs: to };
}

/**
 * @param history whose resolution where the range starts is the least step: narrower ones would be mostly empty
 * @throws WireError too_many_points, invalid_field
 */
export function planGrid(query: Query, range: Range, history: Pick<History, 'resolutionMs'>, field: string): Grid {
  const resolutionMs = history.resolutionMs(range.from);
  checkPoints(query.maxPoints, field);
  const stepMs =
    query.stepMs === undefined
      ? niceStep(range, query.maxPoints ?? DEFAULT_MAX_POINTS, resolutionMs)
      : exactStep(query.stepMs, resolutionMs, field);
  const grid = alignedGrid(range, stepMs);
  if (grid.steps > LIMITS.points) {
    const fits = niceStep(range, LIMITS.points - 1, resolutionMs);
    throw new WireError(
      'too_many_points',
      `Steps of ${stepMs} ms make ${grid.steps} points of this range, and ${LIMITS.points} is the most; a "stepMs" of ${fits} fits.`,
      { field: `${field}.stepMs`, received: query.stepMs ?? query.maxPoints, limit: LIMITS.points }
    );
  }
  return grid;
}

function checkPoints(maxPoints: number | undefined, field: string): void {
  if (maxPoints !== undefined && !(Number.isInteger(maxPoints) && maxPoints >= 1 && maxPoints <= LIMITS.points)) {
    throw new WireError(
      'invalid_field',
      `"maxPoints" is a whole number from 1 to ${LIMITS.points}, got ${maxPoints}.`,
      {
        field: `${field}.maxPoints`,
        received: maxPoints,
        limit: LIMITS.points,
      }
    );
  }
}

function exactStep(stepMs: number, resolutionMs: number, field: string): number {
  if (!(stepMs >= MIN_STEP_MS && Number.isFinite(stepMs))) {
    throw new WireError('invalid_field', `"stepMs" is ${MIN_STEP_MS} or more, got ${stepMs}.`, {
      field: `${field}.stepMs`,
      received: stepMs,
      limit: MIN_STEP_MS,
    });
  }
  return Math.ceil(stepMs / resolutionMs) * resolutionMs;
}

/**
 * The smallest nice step that makes about so many points of a range; one more where the range starts inside a step. By
 * its length alone: a range that moves keeps its step.
 */
function niceStep({ from, to }: Range, points: number, resolutionMs: number): number {
  const leastMs = (to - from) / points;
  const day = NICE_STEPS_MS[NICE_STEPS_MS.length - 1];
  return (
    NICE_STEPS_MS.find((stepMs) => stepMs % resolutionMs === 0 && stepMs >= leastMs) ?? Math.ceil(leastMs / day) * day
  );
}

function alignedGrid({ from, to }: Range, stepMs: number): Grid {
  const startMs = Math.floor(from / stepMs) * stepMs;
  const steps = Math.max(1, Math.ceil((to - startMs) / stepMs));
  return { startMs, stepMs, steps, endMs: to };
}

/** The step an instant falls into; outside the range it is below 0 or not below `steps`. */
export function stepOf({ startMs, stepMs }: Grid, ms: number): number {
  return Math.ceil((ms - startMs) / stepMs) - 1;
}

/** Where each point is drawn: at the end of its step, the last one no later than the range. */
export function pointTimes({ startMs, stepMs, steps, endMs }: Grid): Float64Array {
  return Float64Array.from({ length: steps }, (_, i) => Math.min(startMs + (i + 1) * stepMs, endMs));
}
