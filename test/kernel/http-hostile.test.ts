/** Peers that mean harm: nothing of theirs is counted that is not there, and none of it costs more than its bytes. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { Build } from '../support/build';
import { answer, CHUNKED, chunks, CRLF, HEAD_END, request } from '../support/http-text';
import type { Step } from '../support/script';
import { Stage } from '../support/stage';

jest.setTimeout(120_000);

const STATISTICS = '/proc/sys/kernel/bpf_stats_enabled';

const GET = request();
const LINE = `POST / HTTP/1.1${CRLF}`;
const HEADER_BYTES = 64 << 20;

let build: Build;
let stage: Stage;
let before: string;

beforeAll(async () => {
  build = new Build();
  stage = await Stage.open();
  before = readFileSync(STATISTICS, 'utf8');
  writeFileSync(STATISTICS, '1');
});

afterAll(async () => {
  writeFileSync(STATISTICS, before);
  await stage?.close();
  build?.remove();
});

describe('answers that are not what they seem', () => {
  test('one that nobody asked for, and that ends behind a request: that still waits for its own', async () => {
    const unmatched = stage.collector.losses().unmatched;
    await stage.conversation(
      [
        { receive: HEAD_END },
        { send: answer(200) },
        { pauseMs: 20 },
        { send: answer(408, { headers: { 'Content-Length': 8 } }) + 'four' },
        { receive: HEAD_END },
        { send: `more${answer(202)}` },
      ],
      [
        { send: request() },
        { receive: HEAD_END },
        { receive: 'four' },
        { send: request('DELETE') },
        { receive: HEAD_END },
      ]
    );
    await stage.expectRequests({ 'GET 200': 1, 'DELETE 202': 1 });
    expect(stage.collector.losses().unmatched - unmatched).toBe(2);
  });

  test.each([
    ['gzip', 'gzip'],
    ['chunked, but not last', 'chunked, gzip'],
    ['nothing at all', ''],
    ['what only ends like chunked', 'hunked'],
    ['what has chunked in it', 'xchunked'],
    ['chunked and more', 'chunked gzip'],
  ])('a transfer coding without an end, %s: what is in it is no answer', async (_, codings) => {
    const headers = { 'Transfer-Encoding': codings, 'Content-Length': 3 };
    const body = `0${HEAD_END}abc${answer(500)}${answer(503)}`;
    await stage.conversation(
      [{ receive: HEAD_END, times: 2 }, { send: answer(200, { headers, body }) }, { end: true }],
      [{ send: request('GET') + request('PUT') }, { receiveEnd: true }]
    );
    await stage.expectRequests({ 'GET 200': 1, 'PUT none': 1 });
  });

  test.each(['gzip,chunked', 'gzip,\tChunked \t', 'CHUNKED', 'gzip , ,chunked'])(
    'a transfer coding that ends in %j',
    async (codings) => {
      const body = chunks([answer(500), 'abc']);
      await stage.conversation(
        [
          { receive: HEAD_END },
          { send: answer(200, { headers: { ...CHUNKED, 'Transfer-Encoding': codings }, body }) },
          { receive: HEAD_END },
          { send: answer(202) },
        ],
        [{ send: request() }, { receive: `0${HEAD_END}` }, { send: request('DELETE') }, { receive: HEAD_END }]
      );
      await stage.expectRequests({ 'GET 200': 1, 'DELETE 202': 1 });
    }
  );
});

test('segments of no connection ask for nothing, however much they look like requests', async () => {
  const port = await stage.server.listen([[{ receive: HEAD_END }, { send: answer(200) }]]);
  const send = build.host('test/kernel/fixtures/stray_segment.c');
  execFileSync(send, [String(port), '1000']);
  await stage.client.connect(port, [{ send: request('PUT') }, { receive: HEAD_END }]);
  await stage.server.conversations(port);
  await stage.expectRequests({ 'PUT 200': 1 });
});

/** What the hooks have taken since they were loaded, and how often they ran: once a segment that carries something. */
function spent(): { nanoseconds: number; runs: number } {
  const hooks = stage.collector.collector.status().programs.filter(({ name }) => /^http_(in|e)gress$/.test(name));
  expect(hooks).toHaveLength(2);
  const runs = hooks.map((hook) => hook.runs ?? 0);
  const nanoseconds = hooks.map((hook, i) => runs[i] * (hook.nanosecondsPerRun ?? 0));
  return { runs: runs[0] + runs[1], nanoseconds: nanoseconds[0] + nanoseconds[1] };
}

/** What a conversation takes of the hooks, a segment and a byte. Each byte passes twice, out of one socket and into one. */
async function cost(server: Step[], client: Step[]): Promise<{ ofSegment: number; ofByte: number }> {
  const before = spent();
  const { server: served, client: asked } = await stage.conversation(server, client);
  const { nanoseconds, runs } = spent();
  return {
    ofSegment: (nanoseconds - before.nanoseconds) / (runs - before.runs),
    ofByte: (nanoseconds - before.nanoseconds) / (2 * (served.sentBytes + asked.sentBytes)),
  };
}

/** The same back and forth, so many times. */
function turns(asked: string, answered: string, times = 300): [Step[], Step[]] {
  const repeat = (steps: Step[]) => Array.from({ length: times }, () => steps).flat();
  return [
    repeat([{ receiveBytes: asked.length }, { send: answered }]),
    repeat([{ send: asked }, { receiveBytes: answered.length }]),
  ];
}

describe('what it costs', () => {
  let ordinary: { ofSegment: number; ofByte: number };

  beforeAll(async () => {
    ordinary = await cost(...turns(request('GET', { headers: { Accept: '*/*' } }), answer(200, { body: 'abc' })));
    await stage.expectRequests({ 'GET 200': 300 });
  });

  test.each([
    ['TLS', '\x16\x03\x01\x02\x00', '\x17\x03\x03\x10\x00'],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '\0\0\0\x04\0\0\0\0\0'],
    ['PostgreSQL', '\0\0\0\x08\x04\xd2\x16\x2f', 'S'],
    ['lines of capitals', 'NOOP\r\n', 'OK\r\n'],
    ['zeros', '\0', '\0'],
  ])('%s: no segment of it costs what one of HTTP does', async (_, asked, answered) => {
    const [server, client] = turns(asked + '\xa5'.repeat(1_000), answered + GET.repeat(10));
    const { ofSegment } = await cost(server, client);
    await stage.expectRequests({});
    expect(ofSegment).toBeLessThan(ordinary.ofSegment);
  });

  test('a byte a segment: none costs what an ordinary one does', async () => {
    const drip = 'GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n1;a\r\nx\r\n'.repeat(4);
    const { ofSegment } = await cost([{ receiveBytes: drip.length }], [{ dribble: drip, pauseMs: 1 }]);
    expect(ofSegment).toBeLessThan(ordinary.ofSegment);
    await stage.expectRequests({ 'GET none': 1 });
  });

  test.each([
    ['lines of two bytes', LINE, 'a\n'.repeat(700), 150],
    ['names that nearly matter', LINE, 'content-lengtX\ntransfer-encodinX\n'.repeat(44), 150],
    ['codings without end', `${LINE}Transfer-Encoding: `, 'c,'.repeat(700), 700],
    ['chunks of one byte', `${LINE}Transfer-Encoding: chunked${HEAD_END}`, '1\r\nx\r\n'.repeat(230), 700],
  ])('%s, again and again: no byte costs what one of an ordinary request does', async (_, head, piece, times) => {
    const { ofByte } = await cost(
      [{ receiveBytes: head.length + times * piece.length }],
      [{ send: head }, { send: piece, times, pauseMs: 1 }]
    );
    expect(ofByte).toBeLessThan(ordinary.ofByte);
    await stage.expectRequests({ 'POST none': 1 });
  });
});

describe('too much of a good thing', () => {
  test('10,000 requests at once: as many as a pipeline holds are timed, the others told apart, and it goes on', async () => {
    const asked = request().repeat(10_000);
    const answered = answer(200).repeat(10_000);
    const before = stage.collector.losses().overflowed;
    const after = ['PUT', 'DELETE'];
    await stage.conversation(
      [
        { receiveBytes: asked.length },
        { send: answered },
        ...after.flatMap(() => [{ receive: HEAD_END }, { send: answer(204) }]),
      ],
      [
        { send: asked },
        { receiveBytes: answered.length },
        ...after.flatMap((method) => [{ send: request(method) }, { receive: HEAD_END }]),
      ]
    );
    await stage.expectRequests({ 'GET 200': 16, 'PUT 204': 1, 'DELETE 204': 1 });
    expect(stage.collector.losses().overflowed).toBeGreaterThan(before);
  });

  test('a header of 64 MB: the request is counted with its answer, and no more is looked for in it', async () => {
    await stage.conversation(
      [{ receiveBytes: HEADER_BYTES }, { receive: HEAD_END }, { send: answer(431) }, { end: true }],
      [
        { send: `GET / HTTP/1.1${CRLF}Cookie: ` },
        { fill: HEADER_BYTES },
        { send: HEAD_END },
        { receive: HEAD_END },
        { receiveEnd: true },
      ]
    );
    await stage.expectRequests({ 'GET 431': 1 });
  });

  test('300 connections that send a header a byte at a time, and never its end', async () => {
    const drips = `GET / HTTP/1.1${CRLF}${'X: y\r\n'.repeat(20)}`;
    const port = await stage.server.listen([[{ receive: drips }, { end: true }]]);
    const dripping = Array.from({ length: 300 }, () =>
      stage.client.connect(port, [{ dribble: drips, pauseMs: 1 }, { receiveEnd: true }])
    );
    await Promise.all(dripping);
    await stage.server.conversations(port, 300);
    await stage.expectRequests({ 'GET none': 300 });
  });
});
