import { LIMITS } from '../../../wire/limits';
import { ask, increase, post, REQUESTS, startAgent, values, type TestAgent } from './agent';

let agent: TestAgent;

beforeEach(async () => {
  agent = await startAgent();
});
afterEach(() => agent.app.close());

describe('a wrong query fails alone', () => {
  const faults: Array<[what: string, query: object, code: string, details: object]> = [
    ['a select of the wrong type', { select: 7 }, 'invalid_field', { field: 'queries[1].select', received: 7 }],
    [
      'a select that does not exist',
      { select: 'median' },
      'invalid_field',
      { field: 'queries[1].select', received: 'median' },
    ],
    ['a misspelled field', { stepMS: 1_000 }, 'unknown_field', { field: 'queries[1].stepMS', nearest: 'stepMs' }],
    ['a missing field', { metric: undefined }, 'invalid_field', { field: 'queries[1].metric' }],
    [
      'an unknown metric',
      { metric: 'htp_server_request_duration_seconds' },
      'unknown_metric',
      { field: 'queries[1].metric', nearest: REQUESTS },
    ],
    ['an unknown label', { by: ['metod'] }, 'unknown_label', { field: 'queries[1].by[0]', nearest: 'method' }],
    [
      'a quantile above 1',
      { quantiles: [0.5, 99] },
      'invalid_field',
      { field: 'queries[1].quantiles[1]', received: 99, limit: 1 },
    ],
    [
      'a step that is too short',
      { stepMs: 10 },
      'invalid_field',
      { field: 'queries[1].stepMs', received: 10, limit: 1000 },
    ],
    [
      'a matcher with an unknown operator',
      { where: [{ label: 'status', op: '==', value: '' }] },
      'invalid_field',
      { field: 'queries[1].where[0].op', received: '==', allowed: ['=', '!=', '=~', '!~'] },
    ],
    [
      'a matcher with a misspelled field',
      { where: [{ lable: 'status', op: '=', value: '' }] },
      'unknown_field',
      { field: 'queries[1].where[0].lable', nearest: 'label' },
    ],
    [
      'a pattern that is no RE2',
      { where: [{ label: 'status', op: '=~', value: '(?=x)' }] },
      'invalid_regex',
      { field: expect.stringMatching(/^queries\[1\]\.where\[0\]/) },
    ],
    [
      'a select the metric does not have',
      { select: 'value' },
      'unsupported_select',
      { field: 'queries[1].select', received: 'value' },
    ],
  ];

  it.each(faults)('%s', async (_what, fault, code, details) => {
    agent.events.observe(REQUESTS, { method: 'GET', status: '200' }, 1e6, 23);
    const { status, body } = await post(agent, ask(increase('A'), increase('B', fault), increase('C')));
    expect(status).toBe(200);
    expect(values(body, 'A')).toEqual([23]);
    expect(values(body, 'C')).toEqual([23]);
    expect(body.results.B).toMatchObject({ frames: [], error: { code, message: expect.any(String), details } });
  });

  it('tells what was received, but not all of a long text', async () => {
    const { body } = await post(agent, ask(increase('A', { metric: 'x'.repeat(10_000) })));
    expect(body.results.A.error.details.received.length).toBeLessThan(200);
    expect(body.results.A.error.message.length).toBeLessThan(300);
  });

  it('says no more than that it is a fault of the agent’s when it is one', async () => {
    const lines: string[] = [];
    const { default: pino } = await import('pino');
    const logger = pino({}, { write: (line: string) => void lines.push(line) });
    const broken = await startAgent({}, { logger });
    broken.events.peek = () => {
      throw new TypeError('secret inner state');
    };
    const response = await broken.app.inject({ method: 'POST', url: '/api/v1/query', payload: ask(increase('A')) });
    expect(response.statusCode).toBe(200);
    expect(response.json().results.A.error).toEqual({ code: 'internal', message: expect.stringContaining('req-1') });
    expect(response.body).not.toContain('secret');
    const logged = lines.map((line) => JSON.parse(line)).find(({ level }) => level === 50);
    expect(logged).toMatchObject({ reqId: 'req-1', err: { message: 'secret inner state' } });
    await broken.app.close();
  });
});

describe('a wrong request fails as a whole', () => {
  const faults: Array<[what: string, body: object | string, status: number, code: string, details: object]> = [
    ['no JSON', '{"from":', 400, 'invalid_body', {}],
    ['an empty body', '', 400, 'invalid_body', {}],
    ['a list', [], 400, 'invalid_field', { field: 'body' }],
    [
      'from as text',
      { ...ask(increase('A')), from: 'now-1h' },
      400,
      'invalid_field',
      { field: 'from', received: 'now-1h' },
    ],
    ['no from', { to: 1, queries: [increase('A')] }, 400, 'invalid_field', { field: 'from' }],
    [
      'from with a fraction',
      { ...ask(increase('A')), from: 0.5 },
      400,
      'invalid_field',
      { field: 'from', received: 0.5 },
    ],
    [
      'an unknown scope',
      { ...ask(increase('A')), scope: 'all' },
      400,
      'invalid_field',
      { field: 'scope', allowed: ['cluster', 'node'] },
    ],
    [
      'a misspelled field',
      { ...ask(increase('A')), form: 1 },
      400,
      'unknown_field',
      { field: 'form', nearest: 'from' },
    ],
    ['from after to', { ...ask(increase('A')), from: 2, to: 1 }, 400, 'invalid_range', { field: 'from', received: 2 }],
    ['no query', ask(), 400, 'invalid_field', { field: 'queries' }],
    [
      'a query without a name',
      ask({ metric: REQUESTS, select: 'rate' }),
      400,
      'invalid_field',
      { field: 'queries[0].refId' },
    ],
    ['a query that is null', ask(increase('A'), null), 400, 'invalid_field', { field: 'queries[1].refId' }],
    [
      'a name that is a number',
      ask(increase('A'), increase(1 as never)),
      400,
      'invalid_field',
      { field: 'queries[1].refId', received: 1 },
    ],
    [
      'the same name twice',
      ask(increase('A'), increase('B'), increase('A')),
      400,
      'invalid_field',
      { field: 'queries[2].refId', received: 'A' },
    ],
    [
      'too many queries',
      ask(...Array.from({ length: LIMITS.queries + 1 }, (_, i) => increase(`Q${i}`))),
      400,
      'too_many_queries',
      { limit: LIMITS.queries },
    ],
    [
      'too long a body',
      { ...ask(increase('A')), scope: 'x'.repeat(LIMITS.bodyBytes) },
      413,
      'body_too_large',
      { limit: LIMITS.bodyBytes },
    ],
  ];

  it.each(faults)('%s', async (_what, body, status, code, details) => {
    const answer = await post(agent, body, { 'content-type': 'application/json' });
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ code, message: expect.any(String) });
    expect(answer.body.details ?? {}).toMatchObject(details);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
  });

  it('text that is not called JSON', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'nonsense']) {
      const { status, body } = await post(agent, '{}', { 'content-type': type });
      expect([type, status, body.code]).toEqual([type, 415, 'unsupported_media_type']);
      expect(body.details.received).toBe(type);
    }
  });

  it('accepts exactly as many queries as the limit says', async () => {
    const { status, body } = await post(
      agent,
      ask(...Array.from({ length: LIMITS.queries }, (_, i) => increase(`Q${i}`)))
    );
    expect(status).toBe(200);
    expect(Object.keys(body.results)).toHaveLength(LIMITS.queries);
  });
});
