import type { Matcher } from '../wire/query';
import type { RingsideQuery } from './types';

/** Spellings that are accepted beside the stored one: those of the agent's own API, and single values for lists. */
interface OtherSpellings {
  /** The API's word for a table. */
  instant?: boolean;
  /** The API's word for the step. */
  stepMs?: number;
  by?: string | string[];
  quantiles?: number | string | Array<number | string>;
  where?: Matcher | Matcher[];
}

/**
 * Turns whatever a dashboard holds into today's stored query. Pure, and a query of today comes back as it went in.
 * People write dashboards by hand, after the body of `POST /api/v1/query`; a query they copied from there works here.
 */
export function migrateQuery(stored: Omit<RingsideQuery, keyof OtherSpellings> & OtherSpellings): RingsideQuery {
  const { instant, stepMs, by, quantiles, where, ...query } = stored;
  return {
    ...query,
    ...(by !== undefined && { by: listOf(by) }),
    ...(quantiles !== undefined && { quantiles: listOf(quantiles) }),
    ...(where !== undefined && { where: listOf(where) }),
    ...(instant && query.format === undefined && { format: 'table' as const }),
    ...(stepMs !== undefined && query.step === undefined && { step: `${Math.ceil(stepMs / 1000)}s` }),
  };
}

function listOf<T>(value: T | T[]): T[] {
  return Array.isArray(value) ? value : [value];
}
