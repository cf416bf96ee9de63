import { LoadingState, type DataQueryError, type DataQueryResponse } from '@grafana/data';
import type { Notice, QueryAnswer } from '../wire/answer';
import { toFrames } from './frames';
import type { Prepared } from './prepare';

/** The agent's answer as a panel takes it: what failed is named by its refId, what came is shown all the same. */
export function toResponse(
  prepared: Prepared[],
  answer: QueryAnswer,
  refused: DataQueryError[] = []
): DataQueryResponse {
  const errors = [...refused];
  const shared = sharedNotices(answer);
  const data = prepared.flatMap(({ query, notices }, i) => {
    const result = answer.results[query.refId];
    if (!result || result.error) {
      errors.push({ refId: query.refId, message: result?.error?.message ?? 'The agent did not answer this query.' });
      return [];
    }
    // What concerns the whole answer is said once.
    return toFrames(query, result.frames, [...notices, ...(result.notices ?? []), ...(i === 0 ? shared : [])]);
  });
  return withErrors(data, errors);
}

export function withErrors(data: DataQueryResponse['data'], errors: DataQueryError[]): DataQueryResponse {
  // Older panels show `error` alone.
  return errors.length === 0 ? { data } : { data, errors, error: errors[0], state: LoadingState.Error };
}

function sharedNotices({ notices, nodes }: QueryAnswer): Notice[] {
  const silent = nodes.filter(({ state }) => state !== 'ok');
  const missing = silent.map(({ node, state, message }): Notice => {
    const reason = message ?? (state === 'timeout' ? 'it did not answer in time' : 'it answered with an error');
    return { severity: 'warning', text: `Without node ${node}: ${reason}` };
  });
  return [...notices, ...missing];
}
