import { LoadingState } from '@grafana/data';
import { Compile } from 'typebox/compile';
import type { QueryAnswer } from '../../wire/answer';
import { QueryRequestSchema } from '../../wire/query';
import { toMatchers } from '../../src/adhoc';
import type { RingsideQuery } from '../../src/types';
import { DataProxy, PROXY_URL } from './support/dataProxy';
import { ask, panelRequest, ringside } from './support/ringside';
import { setVariables } from './support/templateSrv';

const schema = Compile(QueryRequestSchema);

function answer(parts: Partial<QueryAnswer> = {}): QueryAnswer {
  return { results: {}, notices: [], nodes: [{ node: 'n1', state: 'ok', latencyMs: 1 }], ...parts };
}

const line = (refId: string, labels: Record<string, string> = {}) => ({
  schema: {
    refId,
    fields: [
      { name: 'Time', type: 'time' as const },
      { name: 'Value', type: 'number' as const, labels, config: { unit: 's', displayNameFromDS: 'from the agent' } },
    ],
  },
  data: { values: [[1_000], [0.5]] },
});

function answering(body: QueryAnswer): DataProxy {
  return new DataProxy(({ data }) => {
    expect([...schema.Errors(data)]).toEqual([]);
    return { status: 200, data: body };
  });
}

beforeEach(() => setVariables({ n: { value: 'many' }, pods: { value: ['a', 'b'] } }));

const http: RingsideQuery = { refId: 'A', metric: 'http_server_request_duration_seconds', select: 'rate' };
const tcp: RingsideQuery = { refId: 'B', metric: 'tcp_bytes_total', select: 'rate' };

test('all queries of a panel travel in one request, under Grafana’s request id', async () => {
  const proxy = answering(answer({ results: { A: { frames: [line('A')] }, B: { frames: [line('B'), line('B')] } } }));
  const { data, errors, state } = await ask([http, tcp]);
  expect(proxy.requests).toHaveLength(1);
  expect(proxy.requests[0]).toMatchObject({
    url: `${PROXY_URL}/api/v1/query`,
    method: 'POST',
    requestId: 'Q100',
    showErrorAlert: false,
    data: {
      from: 1_790_000_000_000,
      to: 1_790_000_060_000,
      queries: [
        { refId: 'A', metric: http.metric, select: 'rate', stepMs: 1_000 },
        { refId: 'B', metric: tcp.metric, select: 'rate', stepMs: 1_000 },
      ],
    },
  });
  expect(data.map(({ refId }) => refId)).toEqual(['A', 'B', 'B']);
  expect({ errors, state }).toEqual({ errors: undefined, state: undefined });
});

test('hidden and empty queries do not travel, and nothing travels for them alone', async () => {
  const proxy = answering(answer({ results: { B: { frames: [] } } }));
  await ask([{ ...http, hide: true }, tcp, { refId: 'C', metric: '' }]);
  expect(proxy.requests[0].data.queries.map(({ refId }: RingsideQuery) => refId)).toEqual(['B']);
  expect(await ask([{ ...http, hide: true }])).toEqual({ data: [] });
  expect(proxy.requests).toHaveLength(1);
});

test('a query that fails is named, and the data of the others is kept', async () => {
  const error = { code: 'unsupported_select', message: 'tcp_bytes_total is a counter and cannot be asked for "avg".' };
  answering(answer({ results: { A: { frames: [line('A')] }, B: { frames: [], error } } }));
  const response = await ask([http, { ...tcp, select: 'avg' }]);
  expect(response.data).toHaveLength(1);
  expect(response.errors).toEqual([{ refId: 'B', message: error.message }]);
  expect(response.error).toEqual(response.errors![0]);
  expect(response.state).toBe(LoadingState.Error);
});

test('a query whose variable came out as nonsense fails alone, before it travels', async () => {
  const proxy = answering(answer({ results: { B: { frames: [line('B')] } } }));
  const response = await ask([{ ...http, top: '$n' }, tcp]);
  expect(proxy.requests[0].data.queries).toHaveLength(1);
  expect(response.data).toHaveLength(1);
  expect(response.errors).toEqual([{ refId: 'A', message: 'Top is a whole number from 1 to 1000, got "many".' }]);
});

test('an answer without one of the queries says so', async () => {
  answering(answer({ results: { A: { frames: [line('A')] } } }));
  expect((await ask([http, tcp])).errors).toEqual([{ refId: 'B', message: 'The agent did not answer this query.' }]);
});

test('notices reach the panel: a query’s on its first frame, the answer’s once', async () => {
  answering(
    answer({
      results: {
        A: { frames: [line('A'), line('A')], notices: [{ severity: 'info', text: 'History starts at noon.' }] },
        B: { frames: [line('B')] },
      },
      notices: [{ severity: 'warning', text: 'Still starting.' }],
      nodes: [
        { node: 'n1', state: 'ok', latencyMs: 1 },
        { node: 'n2', state: 'timeout', latencyMs: 5_000 },
        { node: 'n3', state: 'error', latencyMs: 1, message: 'its certificate has expired' },
      ],
    })
  );
  const { data } = await ask([http, tcp]);
  expect(data[0].meta.notices).toEqual([
    { severity: 'info', text: 'History starts at noon.' },
    { severity: 'warning', text: 'Still starting.' },
    { severity: 'warning', text: 'Without node n2: it did not answer in time' },
    { severity: 'warning', text: 'Without node n3: its certificate has expired' },
  ]);
  expect(data[1].meta.notices).toBeUndefined();
  expect(data[2].meta.notices).toBeUndefined();
});

test('a notice is shown even where there is no data', async () => {
  answering(answer({ results: { A: { frames: [], notices: [{ severity: 'info', text: 'Nothing yet.' }] } } }));
  const { data } = await ask([http]);
  expect(data).toEqual([
    { refId: 'A', fields: [], length: 0, meta: { notices: [{ severity: 'info', text: 'Nothing yet.' }] } },
  ]);
});

test('a request that fails as a whole rejects with a sentence', async () => {
  new DataProxy(() => ({ status: 502, data: '' }));
  await expect(ask([http])).rejects.toMatchObject({
    status: 502,
    message: expect.stringMatching(/^No agent answers\./),
  });
  const tooMany = { code: 'too_many_queries', message: 'A request may hold 50 queries; received 51.' };
  new DataProxy(() => ({ status: 400, data: tooMany }));
  await expect(ask([http])).rejects.toMatchObject({ status: 400, message: tooMany.message });
});

test('a request that Grafana cancelled passes as Grafana made it', async () => {
  const cancelled = { cancelled: true, type: 'cancelled', status: -1, data: null, config: {} };
  new DataProxy(() => Promise.reject(cancelled));
  await expect(ask([http])).rejects.toBe(cancelled);
});

test('leaving a panel gives up its request', () => {
  const proxy = new DataProxy(() => new Promise(() => {}));
  ringside()
    .query(panelRequest([http]))
    .subscribe()
    .unsubscribe();
  expect(proxy.abandoned).toEqual(proxy.requests);
  expect(proxy.requests).toHaveLength(1);
});

describe('ad-hoc filters', () => {
  const filter = (key: string, operator: string, value: string, values?: string[]) => ({
    key,
    operator,
    value,
    values,
  });

  test('join the query’s own', async () => {
    const proxy = answering(answer({ results: { A: { frames: [] } } }));
    const own = { label: 'cgroup', op: '=~' as const, value: '$pods' };
    await ask([{ ...http, where: [own] }], { filters: [filter('status', '!=', '200')] });
    expect(proxy.requests[0].data.queries[0].where).toEqual([
      { label: 'cgroup', op: '=~', value: '(a|b)' },
      { label: 'status', op: '!=', value: '200' },
    ]);
  });

  test('that a metric has no label for are left out, and said to be', async () => {
    const proxy = answering(answer({ results: { A: { frames: [line('A')] }, B: { frames: [line('B')] } } }));
    const { data } = await ask([http, tcp], { filters: [filter('method', '=', 'GET')] });
    const [first, second] = proxy.requests[0].data.queries;
    expect(first.where).toEqual([{ label: 'method', op: '=', value: 'GET' }]);
    expect(second).not.toHaveProperty('where');
    expect(data[1].meta.notices).toEqual([
      { severity: 'info', text: 'The filter on method does nothing here: tcp_bytes_total has no such label.' },
    ]);
  });

  test.each([
    [filter('status', '=|', '200', ['200', '20.']), [{ label: 'status', op: '=~', value: '200|20\\.' }]],
    [filter('status', '!=|', '200', ['200']), [{ label: 'status', op: '!~', value: '200' }]],
    [filter('status', '=~', '5..'), [{ label: 'status', op: '=~', value: '5..' }]],
    [filter('status', '<', '500'), []],
    [filter('', '=', ''), []],
  ])('%j', (given, matchers) => {
    expect(toMatchers([given])).toEqual(matchers);
  });
});

test('Explore gets queries without variables', () => {
  const where = [{ label: 'cgroup', op: '=' as const, value: '$pods' }];
  const [query] = ringside().interpolateVariablesInQueries([{ ...http, where }], {});
  expect(query.where).toEqual([{ label: 'cgroup', op: '=~', value: '(a|b)' }]);
});

test('the query history says what was asked', () => {
  const text = (query: Partial<RingsideQuery>) => ringside().getQueryDisplayText({ refId: 'A', ...query });
  expect(text({})).toBe('p99 of http_server_request_duration_seconds by namespace, workload top 10');
  expect(text({ ...tcp, where: [{ label: 'role', op: '!=', value: 'client' }], step: '10s', format: 'table' })).toBe(
    'rate of tcp_bytes_total{role!="client"} step 10s as table'
  );
  expect(text({ ...http, select: 'error_ratio', by: ['pod', 'method'] })).toBe(
    'error ratio of http_server_request_duration_seconds by pod, method'
  );
});
