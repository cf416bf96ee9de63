/** Every way a connection ends: answers that end with it, and requests that get none. */
import { once } from 'node:events';
import { Build } from '../support/build';
import { answer, CHUNKED, chunks, CRLF, HEAD_END, request } from '../support/http-text';
import type { Step } from '../support/script';
import { Stage } from '../support/stage';

jest.setTimeout(60_000);

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open();
});

afterAll(() => stage?.close());

/**
 * Before Linux 5.11 no program is told of a connection that has closed, only of what arrives on it: and behind a close
 * that does not wait for the other side's FIN, nothing does.
 */
function untilToldOfCloses(): Step[] {
  const isTold = stage.collector.isRunning('http_close');
  return isTold ? [] : [{ receiveEnd: true }];
}

describe('no answer', () => {
  test('the server closes', async () => {
    await stage.conversation(
      [{ receive: HEAD_END }, { end: true }],
      [{ send: request('POST', { body: 'b' }) }, { receiveEnd: true }]
    );
    await stage.expectRequests({ 'POST none': 1 });
  });

  test('the server closes after half a status line', async () => {
    await stage.conversation(
      [{ receive: HEAD_END }, { send: 'HTTP/1.1 2' }, { end: true }],
      [{ send: request() }, { receiveEnd: true }]
    );
    await stage.expectRequests({ 'GET none': 1 });
  });

  test('the server resets', async () => {
    await stage.conversation(
      [{ receive: HEAD_END }, { reset: true }],
      [{ send: request('PUT') }, { receiveEnd: true }]
    );
    await stage.expectRequests({ 'PUT none': 1 });
  });

  test('the server has sent 100 Continue and then closes', async () => {
    await stage.conversation(
      [{ receive: HEAD_END }, { send: `HTTP/1.1 100 Continue${HEAD_END}` }, { end: true }],
      [{ send: request('PUT', { headers: { Expect: '100-continue', 'Content-Length': 4 } }) }, { receiveEnd: true }]
    );
    await stage.expectRequests({ 'PUT none': 1 });
  });

  test('the server closes in the middle of 100 Continue', async () => {
    await stage.conversation(
      [{ receive: HEAD_END }, { send: 'HTTP/1.1 100 Continue\r\n' }, { end: true }],
      [
        { send: request('PUT', { headers: { Expect: '100-continue', 'Content-Length': 4 } }) },
        { receive: CRLF },
        { receiveEnd: true },
      ]
    );
    await stage.expectRequests({ 'PUT none': 1 });
  });

  test('the client resets while it waits', async () => {
    await stage.conversation(
      [{ receive: HEAD_END }, { receiveEnd: true }],
      [{ send: request('DELETE') }, { pauseMs: 20 }, { reset: true }]
    );
    await stage.expectRequests({ 'DELETE none': 1 });
  });

  test('the client closes while it waits, and the server notices', async () => {
    await stage.conversation(
      [{ receive: HEAD_END }, { receiveEnd: true }],
      [{ send: request('PATCH') }, { pauseMs: 20 }, { end: true }, ...untilToldOfCloses()]
    );
    await stage.expectRequests({ 'PATCH none': 1 });
  });

  test('the server’s process is killed', async () => {
    const doomed = await Stage.open();
    try {
      const port = await doomed.server.listen([
        [{ receive: HEAD_END }, { send: answer(200) }, { receive: HEAD_END }, { gate: 'asked' }],
      ]);
      const asked = doomed.client.connect(port, [
        { send: request() },
        { receive: HEAD_END },
        { send: request('POST') },
        { receiveEnd: true },
      ]);
      await doomed.server.arrival('asked');
      doomed.server.process.kill('SIGKILL');
      await asked;
      await doomed.expectRequests({ 'GET 200': 1, 'POST none': 1 });
    } finally {
      await doomed.close();
    }
  });

  test('23 connections at once, none answered', async () => {
    const port = await stage.server.listen([[{ receive: HEAD_END }, { pauseMs: 10 }, { reset: true }]]);
    await Promise.all(
      Array.from({ length: 23 }, () => stage.client.connect(port, [{ send: request() }, { receiveEnd: true }]))
    );
    await stage.expectRequests({ 'GET none': 23 });
  });
});

describe('an answer that ends with the connection', () => {
  test.each([
    ['HTTP/1.1 without a length', '1.1'],
    ['HTTP/1.0', '1.0'],
  ] as const)('%s, looking like more of them on its way', async (_, version) => {
    await stage.conversation(
      [
        { receive: HEAD_END },
        { send: answer(200, { version, length: false }) },
        { send: answer(500, { body: 'no' }), times: 5, pauseMs: 1 },
        { end: true },
      ],
      [{ send: request('GET', { version }) }, { receiveEnd: true }]
    );
    await stage.expectRequests({ 'GET 200': 1 });
  });

  test('and is reset: it was answered, though not to its end', async () => {
    await stage.conversation(
      [
        { receive: HEAD_END },
        { send: answer(200, { headers: { 'Content-Length': 100 } }) },
        { send: 'half' },
        { pauseMs: 10 },
        { reset: true },
      ],
      [{ send: request() }, { receiveEnd: true }]
    );
    await stage.expectRequests({ 'GET 200': 1 });
  });

  test('in the middle of its chunks', async () => {
    await stage.conversation(
      [
        { receive: HEAD_END },
        { send: answer(200, { headers: CHUNKED, body: chunks(['abc']).slice(0, 6) }) },
        { end: true },
      ],
      [{ send: request() }, { receiveEnd: true }]
    );
    await stage.expectRequests({ 'GET 200': 1 });
  });

  test('and the client hangs up while it comes', async () => {
    await stage.conversation(
      [
        { receive: HEAD_END },
        { send: answer(200, { headers: { 'Content-Length': 100_000 } }) },
        { send: 'some' },
        { receiveEnd: true },
      ],
      [{ send: request() }, { receive: 'some' }, { reset: true }]
    );
    await stage.expectRequests({ 'GET 200': 1 });
  });
});

describe('half-closed', () => {
  test('the client has shut its side after the request, and still gets its answer', async () => {
    await stage.conversation(
      [
        { receive: HEAD_END },
        { receiveEnd: true },
        { pauseMs: 20 },
        { send: answer(200, { body: 'late' }) },
        { end: true },
      ],
      [{ send: request() }, { end: true }, { receive: 'late' }, { receiveEnd: true }]
    );
    await stage.expectRequests({ 'GET 200': 1 });
  });

  test.each([
    ['of known length', answer(200, { body: 'body' })],
    ['that ends with the connection', answer(200, { length: false }) + 'body'],
    ['that never came', 'HTTP'],
  ])('the FIN rides on the last segment of the request, and on that of an answer %s', async (_, answered) => {
    const build = new Build();
    try {
      const program = build.host('test/kernel/fixtures/corked_peer.c');
      const server = stage.serverCgroup.spawn(program, ['listen', answered], { stdio: ['ignore', 'pipe', 'inherit'] });
      const [port] = await once(server.stdout!, 'data');
      const asked = request('POST', { body: 'body' });
      const client = stage.clientCgroup.spawn(program, ['connect', String(port).trim(), asked], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [received] = await Promise.all([once(client.stdout!, 'data'), once(client, 'exit')]);
      expect(String(received)).toBe(answered);
      await stage.expectRequests({ [answered === 'HTTP' ? 'POST none' : 'POST 200']: 1 });
    } finally {
      build.remove();
    }
  });

  test('two pipelined requests, then the client’s FIN, then both answers', async () => {
    await stage.conversation(
      [
        { receiveEnd: true },
        { send: answer(200, { body: 'one' }) },
        { pauseMs: 5 },
        { send: answer(404, { body: 'two' }) },
        { end: true },
      ],
      [{ send: request() + request('PUT') }, { end: true }, { receive: 'two' }, { receiveEnd: true }]
    );
    await stage.expectRequests({ 'GET 200': 1, 'PUT 404': 1 });
  });
});

test('an idle connection that closes has asked nothing', async () => {
  await stage.conversation([{ receiveEnd: true }], [{ pauseMs: 10 }, { end: true }]);
  await stage.conversation(
    [{ receive: HEAD_END }, { send: answer(200) }, { receiveEnd: true }],
    [{ send: request() }, { receive: HEAD_END }, { pauseMs: 20 }, { reset: true }]
  );
  await stage.expectRequests({ 'GET 200': 1 });
});

test('half a request line is no request, whoever hangs up', async () => {
  await stage.conversation(
    [{ receive: 'GET' }, { receiveEnd: true }],
    [{ send: 'GET /half' }, { pauseMs: 5 }, { end: true }]
  );
  await stage.conversation([{ receive: 'GET' }, { end: true }], [{ send: 'GET /half' }, { receiveEnd: true }]);
  await stage.expectRequests({});
});

test('a request whose body never ends, and whose client gives up', async () => {
  await stage.conversation(
    [{ receive: 'some' }, { receiveEnd: true }],
    [
      { send: request('PUT', { headers: { 'Content-Length': 1_000 } }) },
      { send: 'some' },
      { pauseMs: 5 },
      { reset: true },
    ]
  );
  await stage.expectRequests({ 'PUT none': 1 });
});
