import { LoadingState, type DataQueryError, type DataQueryResponse } from '@grafana/data';
import type { Notice, QueryAnswer } from '../wire/answer';
import { toFrames } from './frames';
import type { FilledQuery } from './types';

/** The agent's answer as a panel takes it: what failed is named by its refId, what came is shown all the same. */
export function toResponse(
  queries: FilledQuery[],
  answer: QueryAnswer,
  failed: DataQueryError[] = []
): DataQueryResponse {
  const errors = [...failed];
  const shared = sharedNotices(answer);
  const data = queries.flatMap((query, i) => {
    const result = answer.results[query.refId];
    if (!result || result.error) {
      const message = result?.error?.message ?? 'The agent did not answer this query.';
      errors.push({ refId: query.refId, message });
      return [];
    }
    // What concerns the whole answer is said once.
    return toFrames(query, result.frames, [...(result.notices ?? []), ...(i === 0 ? shared : [])]);
  });
  return withErrors(data, errors);
}

export function withErrors(data: DataQueryResponse['data'], errors: DataQueryError[]): DataQueryResponse {
  // Older panels show `error` alone.
  return errors.length === 0 ? { data } : { data, errors, error: errors[0], state: LoadingState.Error };
}

function sharedNotices(answer: QueryAnswer): Notice[] {
  const silent = answer.nodes.filter(({ state }) => state !== 'ok');
  const missing = silent.map(({ node, state, message }): Notice => {
    const reason = message ?? (state === 'timeout' ? 'it did not answer in time' : 'it answered with an error');
    return { severity: 'warning', text: `Without node ${node}: ${reason}` };
  });
  return [...answer.notices, ...missing];
}
