import { LIMITS, MIN_STEP_MS } from '../wire/limits';
import type { Query } from '../wire/query';
import { parseDurationMs } from './duration';
import { describeFailure } from './failure';
import type { FilledQuery } from './types';

/** What the panel has room for. */
export interface Resolution {
  /** Grafana's own choice of a step for the range and the width. */
  intervalMs: number;
}

/** Columns of a heatmap are cells to look at, not points of a line: each gets the room of this many points. */
const POINTS_PER_HEATMAP_COLUMN = 6;

/**
 * The query as it travels.
 *
 * @param query with its template variables replaced
 * @throws Error with a sentence for the panel when a field that may hold a variable came out as nonsense
 */
export function toWireQuery(query: FilledQuery, { intervalMs }: Resolution): Query {
  const overWholeRange = query.format === 'table' || query.format === 'histogram';
  const merged = query.format === 'heatmap' || query.format === 'histogram';
  const points = query.format === 'heatmap' ? POINTS_PER_HEATMAP_COLUMN : 1;
  const top = topOf(query.top);
  return {
    refId: query.refId,
    metric: query.metric,
    select: query.select,
    ...(query.select === 'quantile' && { quantiles: quantilesOf(query.quantiles) }),
    ...(query.by.length > 0 && !merged && { by: query.by }),
    ...(query.where.length > 0 && { where: query.where }),
    ...(!overWholeRange && { stepMs: stepMsOf(query.step) ?? wholeStepMs(intervalMs * points) }),
    ...(top !== undefined && !merged && { top }),
    ...(query.format === 'table' && { instant: true }),
  };
}

/**
 * What is wrong with a field as it is written, for the editor to say at once. A variable is judged by its value, when the
 * query runs.
 */
export function problemWith(field: 'step' | 'top', query: FilledQuery): string | undefined {
  if (String(query[field]).includes('$')) {
    return undefined;
  }
  try {
    if (field === 'step') {
      stepMsOf(query.step);
    } else {
      topOf(query.top);
    }
    return undefined;
  } catch (error) {
    return describeFailure(error);
  }
}

function wholeStepMs(stepMs: number): number {
  return Math.max(1, Math.ceil(stepMs / MIN_STEP_MS)) * MIN_STEP_MS;
}

/** The step that was asked for; undefined follows the panel. */
function stepMsOf(step: string): number | undefined {
  if (step.trim() === '' || step.trim() === 'auto') {
    return undefined;
  }
  const stepMs = parseDurationMs(step);
  if (stepMs === undefined) {
    throw new Error(`The step is a duration such as 10s or 1m, got "${step}".`);
  }
  return wholeStepMs(stepMs);
}

function topOf(top: number | string): number | undefined {
  if (typeof top === 'string' && top.trim() === '') {
    return undefined;
  }
  const count = Number(top);
  if (!Number.isInteger(count) || count < 1 || count > LIMITS.top) {
    throw new Error(`Top is a whole number from 1 to ${LIMITS.top}, got "${top}".`);
  }
  return count;
}

function quantilesOf(quantiles: Array<number | string>): number[] {
  return quantiles.map((quantile) => {
    const rank = typeof quantile === 'string' && quantile.trim() === '' ? NaN : Number(quantile);
    if (!(rank >= 0 && rank <= 1)) {
      throw new Error(`A quantile is a number from 0 to 1, got "${quantile}".`);
    }
    return rank;
  });
}
