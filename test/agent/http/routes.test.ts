import { METRICS } from '../../../wire/metrics';
import { LabelValuesSchema, MetricsAnswerSchema, StatusSchema } from '../../../wire/status';
import { Compile } from 'typebox/compile';
import { ERRORS } from '../../../wire/errors';
import { REQUESTS, startAgent, type TestAgent } from './agent';

let agent: TestAgent;

beforeEach(async () => {
  agent = await startAgent();
});
afterEach(() => agent.app.close());

async function get(url: string) {
  const response = await agent.app.inject(url);
  return { status: response.statusCode, headers: response.headers, body: response.json() };
}

describe('health', () => {
  it('is ready while the kernel is read, and says why when it is not', async () => {
    expect(await get('/healthz')).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(await get('/readyz')).toMatchObject({ status: 200, body: { status: 'ok' } });
    const ticker = { ...agent.context.ticker, readiness: { ready: false, reason: 'The kernel is silent.' } };
    const silent = await startAgent({ ticker });
    const ready = await silent.app.inject('/readyz');
    expect(ready.statusCode).toBe(503);
    expect(ready.json()).toEqual({ code: 'not_ready', message: 'The kernel is silent.' });
    expect((await silent.app.inject('/healthz')).statusCode).toBe(200);
    await silent.app.close();
  });
});

describe('GET /api/v1/status', () => {
  it('says who the agent is, what it lost and how far back it remembers', async () => {
    agent.events.observe(REQUESTS, { method: 'GET' }, 1e6);
    agent.tick();
    const { kernelMapBytes, ...measured } = agent.events.state;
    const { status, body } = await get('/api/v1/status');
    expect(status).toBe(200);
    expect([...Compile(StatusSchema).Errors(body)]).toEqual([]);
    expect(body).toMatchObject({
      name: 'ringside-agent',
      wire: 1,
      version: '1.2.3',
      node: 'test-node',
      kernel: '6.1.0-test',
      scope: '/sys/fs/cgroup/test',
      bootEpochMs: agent.context.bootEpochMs,
      ...measured,
      notices: ['Something was doubtful.', ...measured.notices],
      history: { bytes: 2 ** 20 },
      memory: { kernelMapBytes },
      nodes: [{ node: 'test-node', state: 'ok' }],
    });
    expect(body.memory.residentBytes).toBeGreaterThan(body.memory.anonymousBytes);
    expect(body.memory.anonymousBytes).toBeGreaterThan(1e6);
    expect(body.history.tiers[0].startMs).toBeGreaterThan(Date.now() - 60_000);
  });

  it('sends what the schema names and nothing else', async () => {
    const secret = { ...agent.events.state.programs[0], secret: 'x' };
    agent.events.state = { ...agent.events.state, programs: [secret] };
    const { body } = await get('/api/v1/status');
    expect(body.programs).toHaveLength(1);
    expect(body.programs[0].secret).toBeUndefined();
  });
});

describe('GET /api/v1/metrics', () => {
  it('is the catalogue', async () => {
    const { body } = await get('/api/v1/metrics');
    expect([...Compile(MetricsAnswerSchema).Errors(body)]).toEqual([]);
    expect(body.metrics.map(({ name }: { name: string }) => name)).toEqual(METRICS.map(({ name }) => name));
    expect(body.metrics[0].labels).toEqual(expect.arrayContaining(['node', 'pod', 'method', 'status']));
    expect(body.metrics[0].minExponent).toBeUndefined();
  });
});

describe('GET /api/v1/labels/:label/values', () => {
  beforeEach(() => {
    agent.events.observe(REQUESTS, { method: 'GET', status: '200', pod: 'web-1' }, 1e6);
    agent.events.observe(REQUESTS, { method: 'POST', status: '503', pod: '~odd "one"' }, 1e6);
    agent.events.count('tcp_resets_total', { role: 'client', pod: 'db-0' }, 1);
    agent.tick();
  });

  const valuesOf = async (label: string, query = '') =>
    (await get(`/api/v1/labels/${label}/values${query}`)).body.values;
  const match = (...texts: string[]) => `?${texts.map((text) => `match=${encodeURIComponent(text)}`).join('&')}`;

  it('lists what was seen, of all metrics or of one', async () => {
    const { body } = await get('/api/v1/labels/pod/values');
    expect([...Compile(LabelValuesSchema).Errors(body)]).toEqual([]);
    expect(body).toEqual({ label: 'pod', values: ['db-0', 'web-1', '~odd "one"'], truncated: false });
    expect(await valuesOf('pod', `?metric=${REQUESTS}`)).toEqual(['web-1', '~odd "one"']);
    expect(await valuesOf('status')).toEqual(['200', '503']);
  });

  it('filters by every operator, alone and together', async () => {
    expect(await valuesOf('method', match('pod=web-1'))).toEqual(['GET']);
    expect(await valuesOf('method', match('pod!=web-1'))).toEqual(['POST']);
    expect(await valuesOf('method', match('status=~5..'))).toEqual(['POST']);
    expect(await valuesOf('method', match('status=~"5.."'))).toEqual(['POST']);
    expect(await valuesOf('method', match('status!~5..'))).toEqual(['GET']);
    expect(await valuesOf('method', match('pod="~odd \\"one\\""'))).toEqual(['POST']);
    expect(await valuesOf('method', match('status=~...', 'pod=web-1'))).toEqual(['GET']);
    expect(await valuesOf('method', match('status=200', 'status=503'))).toEqual([]);
    expect(await valuesOf('method', match('namespace='))).toEqual(['GET', 'POST']);
  });

  it('looks at the range it is given', async () => {
    expect(await valuesOf('pod', '?from=1000&to=2000')).toEqual([]);
    expect(await valuesOf('pod', `?from=${Date.now() - 60_000}`)).toHaveLength(3);
  });

  it.each([
    ['/api/v1/labels/pood/values', 'unknown_label', { field: 'label', nearest: 'pod' }],
    ['/api/v1/labels/pod/values?metric=nope', 'unknown_metric', { field: 'metric', received: 'nope' }],
    ['/api/v1/labels/pod/values?mach=pod=x', 'unknown_field', { field: 'mach', nearest: 'match' }],
    ['/api/v1/labels/pod/values?from=yesterday', 'invalid_field', { field: 'from', received: 'yesterday' }],
    ['/api/v1/labels/pod/values?from=1.5', 'invalid_field', { field: 'from', received: '1.5' }],
    ['/api/v1/labels/pod/values?from=-1', 'invalid_field', { field: 'from', received: '-1' }],
    ['/api/v1/labels/pod/values?from=1&from=2', 'invalid_field', { field: 'from' }],
    ['/api/v1/labels/pod/values?from=2&to=1', 'invalid_range', {}],
    ['/api/v1/labels/pod/values?match=pod', 'invalid_field', { field: 'match[0]', received: 'pod' }],
    ['/api/v1/labels/pod/values?match=pod=a&match=pod%3E3', 'invalid_field', { field: 'match[1]', received: 'pod>3' }],
    ['/api/v1/labels/pod/values?match=pod=%22open', 'invalid_field', { field: 'match[0]' }],
    ['/api/v1/labels/pod/values?match=pood=a', 'unknown_label', { nearest: 'pod' }],
    ['/api/v1/labels/pod/values?match=pod=~(', 'invalid_regex', {}],
    [`/api/v1/labels/pod/values?match=pod=${'x'.repeat(8_001)}`, 'invalid_field', { field: 'match[0]', limit: 8_000 }],
    [`/api/v1/labels/pod/values?${'match=pod=a&'.repeat(21)}`, 'invalid_field', { field: 'match', limit: 20 }],
  ])('%s is answered with %s', async (url, code, details) => {
    const { status, body } = await get(url);
    expect(status).toBe(400);
    expect(body).toMatchObject({ code, message: expect.any(String), details });
  });
});

describe('what does not exist', () => {
  it.each([
    ['/api/v1/querry', '/api/v1/query'],
    ['/metric', '/metrics'],
    ['/healthz/', '/healthz'],
  ])('%s is 404 and names %s', async (url, likely) => {
    const { status, body } = await get(url);
    expect(status).toBe(404);
    expect(body).toMatchObject({ code: 'not_found', details: { field: 'path', received: url, nearest: likely } });
  });

  it('points to the description when nothing is alike', async () => {
    const { status, body } = await get('/wp-admin/setup-config.php?step=1');
    expect(status).toBe(404);
    expect(body.message).toContain('/openapi.json');
    expect(body.details.nearest).toBeUndefined();
  });

  it.each([
    ['GET', '/api/v1/query', 'POST'],
    ['DELETE', '/api/v1/labels/pod/values', 'GET, HEAD'],
    ['PUT', '/metrics', 'GET, HEAD'],
  ] as const)('%s %s is 405 and names %s', async (method, url, allow) => {
    const response = await agent.app.inject({ method, url });
    expect(response.statusCode).toBe(405);
    expect(response.headers.allow).toBe(allow);
    expect(response.json()).toMatchObject({
      code: 'method_not_allowed',
      details: { received: method, allowed: allow.split(', ') },
    });
  });

  it('answers a path that cannot be decoded', async () => {
    const { status, body } = await get('/api/%zz');
    expect(status).toBe(404);
    expect(body.code).toBe('not_found');
  });

  it('answers HEAD like GET, without a body', async () => {
    const response = await agent.app.inject({ method: 'HEAD', url: '/api/v1/metrics' });
    expect([response.statusCode, response.body]).toEqual([200, '']);
  });
});

describe('GET /openapi.json', () => {
  it('describes every route with what it takes, answers and refuses', async () => {
    const { body } = await get('/openapi.json');
    expect(body.openapi).toBe('3.1.0');
    expect(body.info.version).toBe('1.2.3');
    expect(Object.keys(body.paths).sort()).toEqual([
      '/api/v1/labels/{label}/values',
      '/api/v1/metrics',
      '/api/v1/query',
      '/api/v1/status',
      '/healthz',
      '/metrics',
      '/openapi.json',
      '/readyz',
    ]);
    const query = body.paths['/api/v1/query'].post;
    const item = query.requestBody.content['application/json'].schema.properties.queries.items;
    expect(Object.keys(item.properties)).toEqual(
      expect.arrayContaining(['refId', 'metric', 'select', 'by', 'where', 'top'])
    );
    expect(item.properties.select.enum).toContain('heatmap');
    expect(query.responses['200'].content['application/json'].schema.properties.results).toBeDefined();
    for (const code of ['4XX', '5XX']) {
      expect(Object.keys(query.responses[code].content['application/json'].schema.properties)).toEqual([
        'code',
        'message',
        'details',
      ]);
    }
    const parameters = body.paths['/api/v1/labels/{label}/values'].get.parameters;
    expect(parameters.map(({ name, in: where }: { name: string; in: string }) => `${where} ${name}`).sort()).toEqual([
      'path label',
      'query from',
      'query match',
      'query metric',
      'query to',
    ]);
    expect(Object.keys(body.paths['/metrics'].get.responses['200'].content)).toEqual([
      'text/plain; version=0.0.4; charset=utf-8',
      'application/openmetrics-text; version=1.0.0; charset=utf-8',
    ]);
    expect(body.paths['/healthz'].get.security).toEqual([]);
  });

  it('has a status for every error there is', () => {
    for (const [code, { status, help }] of Object.entries(ERRORS)) {
      expect([code, status >= 400 && status < 600, help.length > 10]).toEqual([code, true, true]);
    }
  });
});
