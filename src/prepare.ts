import type { DataQueryError, DataQueryRequest } from '@grafana/data';
import type { Notice } from '../wire/answer';
import type { Query } from '../wire/query';
import { applicableTo, toMatchers } from './adhoc';
import { fillQuery } from './defaults';
import { describeFailure } from './failure';
import { interpolateQuery } from './interpolate';
import { migrateQuery } from './migrate';
import { toWireQuery } from './request';
import { templatesOf } from './templates';
import type { FilledQuery, RingsideQuery } from './types';

/** A query on its way. */
export interface Prepared {
  query: FilledQuery;
  wire: Query;
  notices: Notice[];
}

/** What a stored query comes to in a dashboard: today's spelling, defaults, variables, ad-hoc filters. */
export function resolveQuery(
  stored: RingsideQuery,
  { scopedVars, filters }: Pick<DataQueryRequest, 'scopedVars' | 'filters'>
): { query: FilledQuery; notices: Notice[] } {
  const query = interpolateQuery(fillQuery(migrateQuery(stored)), templatesOf(scopedVars));
  const { where, notices } = applicableTo(query.metric, toMatchers(filters));
  return { query: { ...query, where: [...query.where, ...where] }, notices };
}

/** Makes the queries of a panel ready to travel, and sets those apart whose variables came out as nonsense. */
export function prepareQueries(targets: RingsideQuery[], request: DataQueryRequest<RingsideQuery>) {
  const prepared: Prepared[] = [];
  const refused: DataQueryError[] = [];
  for (const target of targets) {
    try {
      const { query, notices } = resolveQuery(target, request);
      prepared.push({ query, notices, wire: toWireQuery(query, request) });
    } catch (error) {
      refused.push({ refId: target.refId, message: describeFailure(error) });
    }
  }
  return { prepared, refused };
}
