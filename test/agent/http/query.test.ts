import { connect, type AddressInfo } from 'node:net';
import { Compile } from 'typebox/compile';
import { listen } from '../../../agent/http/server';
import { QueryAnswerSchema, type QueryAnswer } from '../../../wire/answer';
import { LIMITS } from '../../../wire/limits';
import { ask, increase, post, REQUESTS, startAgent, values, type TestAgent } from './agent';

const POST = { method: 'POST', url: '/api/v1/query' } as const;
let agent: TestAgent;

beforeEach(async () => {
  agent = await startAgent();
});
afterEach(() => agent.app.close());

describe('an answer', () => {
  it('adds what the history remembers and what happened since the last tick', async () => {
    agent.events.observe(REQUESTS, { method: 'GET', status: '200' }, 1e6, 23);
    agent.tick();
    agent.events.observe(REQUESTS, { method: 'GET', status: '200' }, 1e6, 8);
    const { status, body } = await post(agent, ask(increase('A')));
    expect(status).toBe(200);
    expect(values(body, 'A')).toEqual([31]);
  });

  it('has one result for each query and says which node answered', async () => {
    agent.events.observe(REQUESTS, { method: 'GET', status: '200' }, 1e6, 3);
    agent.events.observe(REQUESTS, { method: 'GET', status: '503' }, 1e6, 1);
    const { body } = await post(
      agent,
      ask(increase('errors', { where: [{ label: 'status', op: '=~', value: '5..' }] }), {
        refId: 'ratio',
        metric: REQUESTS,
        select: 'error_ratio',
        instant: true,
      })
    );
    expect(Object.keys(body.results)).toEqual(['errors', 'ratio']);
    expect(values(body, 'errors')).toEqual([1]);
    expect(values(body, 'ratio')).toEqual([0.25]);
    expect(body.nodes).toEqual([{ node: 'test-node', state: 'ok', latencyMs: expect.any(Number) }]);
    expect(body.notices).toEqual([]);
  });

  it('is what the schema says, to the letter', async () => {
    agent.events.observe(REQUESTS, { method: 'GET', status: '200' }, 1e6, 23);
    agent.events.count('tcp_bytes_total', { role: 'server', direction: 'sent' }, 1_000);
    agent.events.level('tcp_connections_active', { role: 'server' }, 5);
    agent.tick();
    const { body } = await post(
      agent,
      ask(
        ...['rate', 'increase', 'avg', 'quantile', 'heatmap', 'histogram', 'error_ratio'].flatMap((select) => [
          { refId: `${select} range`, metric: REQUESTS, select, by: select === 'heatmap' ? [] : ['method'] },
          { refId: `${select} instant`, metric: REQUESTS, select, instant: true },
        ]),
        { refId: 'bytes', metric: 'tcp_bytes_total', select: 'rate', by: ['direction'] },
        { refId: 'active', metric: 'tcp_connections_active', select: 'value' },
        { refId: 'wrong', metric: 'nope', select: 'rate' }
      )
    );
    expect([...Compile(QueryAnswerSchema).Errors(body)]).toEqual([]);
    const failed = Object.entries((body as QueryAnswer).results).filter(([, result]) => result.error);
    expect(failed.map(([refId]) => refId)).toEqual(['wrong']);
    for (const { frames } of Object.values((body as QueryAnswer).results)) {
      for (const { schema, data } of frames) {
        expect(data.values).toHaveLength(schema.fields.length);
      }
    }
  });

  it('names any refId as it came, also one that JavaScript would take for something else', async () => {
    agent.events.observe(REQUESTS, { method: 'GET', status: '200' }, 1e6, 23);
    const payload = JSON.stringify(ask(increase('__proto__'), increase('two\nlines'), increase('constructor')));
    const response = await agent.app.inject({ ...POST, payload, headers: { 'content-type': 'application/json' } });
    expect(response.statusCode).toBe(200);
    expect(Object.keys(JSON.parse(response.body).results)).toEqual(['__proto__', 'two\nlines', 'constructor']);
  });

  it('carries a warning while the kernel is not being read', async () => {
    agent.context.ticker = { ...agent.context.ticker, readiness: { ready: false, reason: 'The kernel is silent.' } };
    const silent = await startAgent(agent.context);
    const response = await silent.app.inject({ ...POST, payload: ask(increase('A')) });
    expect(response.json().notices).toEqual([{ severity: 'warning', text: 'The kernel is silent.' }]);
    await silent.app.close();
  });

  it('accepts both scopes', async () => {
    for (const scope of ['node', 'cluster']) {
      expect((await post(agent, { ...ask(increase('A')), scope })).status).toBe(200);
    }
  });
});

/** Of the 64 requests the agent takes, as many are answered at a time. */
const WORKING = 8;

describe('under load', () => {
  it('answers 503 with Retry-After beyond the limit, and all others', async () => {
    const responses = await Promise.all(
      Array.from({ length: 70 }, () => agent.app.inject({ ...POST, payload: ask(increase('A'), increase('B')) }))
    );
    const refused = responses.filter(({ statusCode }) => statusCode === 503);
    expect(refused).toHaveLength(6);
    expect(refused[0].json()).toMatchObject({ code: 'overloaded', details: { limit: 64 } });
    expect(refused[0].headers).toMatchObject({ 'retry-after': '1', connection: 'close' });
    expect(responses.filter(({ statusCode }) => statusCode === 200)).toHaveLength(64);
    expect((await post(agent, ask(increase('A')))).status).toBe(200);
  });

  it('does not let one batch take all memory: what is beyond its share fails, query by query', async () => {
    for (let i = 0; i < 90; i++) {
      agent.events.observe(REQUESTS, { method: 'GET', status: '200', pod: `pod-${i}` }, 1e6);
    }
    agent.tick();
    const wide = (refId: string) => ({ refId, metric: REQUESTS, select: 'rate', by: ['pod'], stepMs: 1_000 });
    const to = Date.now();
    const { status, body } = await post(agent, { from: to - 3 * 3_600_000, to, queries: ['A', 'B', 'C'].map(wide) });
    expect(status).toBe(200);
    expect(body.results.A.frames).toHaveLength(90);
    expect(body.results.B.frames).toHaveLength(90);
    expect(body.results.C).toMatchObject({
      frames: [],
      error: { code: 'too_many_points', details: { limit: 2_000_000 } },
    });
  }, 30_000);

  it('answers many long questions at a time, each with what it has asked for', async () => {
    const pods = Array.from({ length: 40 }, (_, i) => `pod-${i}`);
    pods.forEach((pod, i) => agent.events.observe(REQUESTS, { method: 'GET', status: '200', pod }, 1e6, i + 1));
    agent.tick();
    await listen(agent.app, { host: '127.0.0.1', port: 0 });
    const { port } = agent.app.server.address() as AddressInfo;
    const to = Date.now();
    const ofPods = async (some: string[]) => {
      const where = [{ label: 'pod', op: '=~', value: some.join('|') }];
      const wide = { refId: 'A', metric: REQUESTS, select: 'increase', by: ['pod'], stepMs: 1_000, where };
      const response = await fetch(`http://127.0.0.1:${port}/api/v1/query`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ from: to - 3_600_000, to: to + 1_000, queries: [wide] }),
      });
      const { results } = (await response.json()) as QueryAnswer;
      return results.A.frames.map(({ schema, data }) => {
        const sum = data.values[1].reduce((all: number, value) => all + Number(value), 0);
        return [schema.fields[1].labels?.pod, data.values[0].length > 3_600, sum];
      });
    };
    const rotated = pods.map((_, i) => [...pods.slice(i), ...pods.slice(0, i)].slice(0, 12).sort());
    const answers = await Promise.all(rotated.map(ofPods));
    expect(answers).toEqual(rotated.map((some) => some.map((pod) => [pod, true, pods.indexOf(pod) + 1])));
  }, 60_000);

  it('gives the place of a reader who is gone to those who wait', async () => {
    for (let i = 0; i < 60; i++) {
      agent.events.observe(REQUESTS, { method: 'GET', status: '200', pod: `pod-${i}` }, 1e6);
    }
    agent.tick();
    await listen(agent.app, { host: '127.0.0.1', port: 0 });
    const { port } = agent.app.server.address() as AddressInfo;
    const to = Date.now();
    const wide = { refId: 'A', metric: REQUESTS, select: 'rate', by: ['pod'], stepMs: 1_000 };
    const body = JSON.stringify({ from: to - 3 * 3_600_000, to, queries: [wide] });
    const head = `POST /api/v1/query HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
    // As many as may work, and one that waits; none of them reads what it asked for.
    const idle = Array.from({ length: WORKING + 1 }, () => connect(port, '127.0.0.1').pause());
    idle.forEach((socket) => socket.write(head + body));
    // The first bytes are there: as many as may work do.
    await new Promise<void>((resolve) => {
      let served = 0;
      idle.forEach((socket) => socket.once('readable', () => ++served === WORKING && resolve()));
    });
    const patient = post(agent, ask(increase('A')));
    const early = await Promise.race([patient, new Promise((resolve) => setTimeout(resolve, 1_000, 'waiting'))]);
    expect(early).toBe('waiting');
    idle.forEach((socket) => socket.destroy());
    expect((await patient).status).toBe(200);
  }, 30_000);

  it('answers a probe between the queries of a batch', async () => {
    const order: string[] = [];
    const batch = post(agent, ask(...Array.from({ length: LIMITS.queries }, (_, i) => increase(`Q${i}`)))).then(() =>
      order.push('batch')
    );
    await new Promise((resolve) => setImmediate(resolve));
    await agent.app.inject('/healthz');
    order.push('probe');
    await batch;
    expect(order).toEqual(['probe', 'batch']);
  });
});
