/** What a query may ask for. Apart from the schemas, so that the plugin's bundle carries no schema library. */

export const MATCH_OPERATORS = ['=', '!=', '=~', '!~'] as const;

/** What one request may ask for at most. */
export const LIMITS = {
  bodyBytes: 256 * 1024,
  queries: 50,
  matchers: 20,
  quantiles: 20,
  patternLength: 8_000,
  nameLength: 200,
  points: 11_000,
  series: 5_000,
  top: 1_000,
} as const;

export const DEFAULT_QUANTILES = [0.5, 0.9, 0.99];
export const DEFAULT_MAX_POINTS = 1_000;
/** Steps are whole multiples of this, and aligned on the epoch. */
export const MIN_STEP_MS = 1_000;
