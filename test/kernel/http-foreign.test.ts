/** What is not HTTP/1.x, what is no longer, and what began before anybody looked. */
import { answer, HEAD_END, request } from '../support/http-text';
import type { Step } from '../support/script';
import { Stage } from '../support/stage';

/** The start of a real TLS 1.3 ClientHello: record, handshake, version, random, session id, cipher suites … */
const CLIENT_HELLO = `\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03${'\xa7\x0d'.repeat(16)}\x20${'\x5c'.repeat(32)}\x00\x02\x13\x01${'\x00'.repeat(400)}`;
const SERVER_HELLO = `\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03${'\x11'.repeat(112)}`;

jest.setTimeout(60_000);

describe('not HTTP', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.open();
  });

  afterAll(() => stage?.close());

  test.each([
    ['TLS', CLIENT_HELLO, SERVER_HELLO],
    ['zeros', '\0'.repeat(100), '\0'.repeat(100)],
    ['high bytes that are no UTF-8', '\xff\xfe'.repeat(50), '\xc3\x28'.repeat(50)],
    [
      'a PostgreSQL start-up',
      '\x00\x00\x00\x1a\x00\x03\x00\x00user\x00postgres\x00\x00',
      'R\x00\x00\x00\x08\x00\x00\x00\x00',
    ],
    ['Redis', '*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n', '$5\r\nvalue\r\n'],
    ['SMTP-like lines', 'EHLO test\r\n', '250 test\r\n'],
    ['lower case', 'get / http/1.1\r\nhost: test\r\n\r\n', 'http/1.1 200 ok\r\n\r\n'],
    ['a method in lower case', `get / HTTP/1.1${HEAD_END}`, 'nothing'],
    ['HTTP/0.9', 'GET /\r\n', '<html>old</html>'],
    ['HTTP/2 with prior knowledge', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', '\0\0\0\x04\0\0\0\0\0'],
    ['RTSP', `OPTIONS * RTSP/1.0${HEAD_END}`, `RTSP/1.0 200 OK${HEAD_END}`],
    ['SIP', `INVITE sip:test SIP/2.0${HEAD_END}`, `SIP/2.0 200 OK${HEAD_END}`],
    ['a line that only ends in HTTP/1.1', `\x01 HTTP/1.1${HEAD_END}`, 'nothing'],
  ])('%s is counted as nothing, nor is HTTP behind it on the same connection', async (_, asked, answered) => {
    await stage.conversation(
      [
        { receiveBytes: asked.length },
        { send: answered },
        { receive: HEAD_END },
        { send: answer(200) },
        { receiveEnd: true },
      ],
      [{ send: asked }, { receiveBytes: answered.length }, { send: request() }, { receive: HEAD_END }, { end: true }]
    );
    await stage.expectRequests({});
  });

  test('a server that speaks first, and speaks HTTP: 408 to nobody', async () => {
    const before = stage.collector.losses().unmatched;
    await stage.conversation(
      [{ pauseMs: 5 }, { send: answer(408, { body: 'too late' }) }, { end: true }],
      [{ receiveEnd: true }]
    );
    await stage.expectRequests({});
    expect(stage.collector.losses().unmatched - before).toBe(2);
  });

  test('408 behind an answered request is nobody’s either', async () => {
    await stage.conversation(
      [{ receive: HEAD_END }, { send: answer(200) }, { pauseMs: 10 }, { send: answer(408) }, { end: true }],
      [{ send: request() }, { receiveEnd: true }]
    );
    await stage.expectRequests({ 'GET 200': 1 });
  });

  test('an answer that is not HTTP: the request was seen and is told apart from one without an answer', async () => {
    const before = stage.collector.losses().unparsed;
    await stage.conversation(
      [{ receive: HEAD_END }, { send: 'SSH-2.0-test\r\n' }, { end: true }],
      [{ send: request() }, { receiveEnd: true }]
    );
    await stage.expectRequests({});
    expect(stage.collector.losses().unparsed - before).toBe(2);
  });

  test('garbage behind a good request ends the counting of that connection, not of others', async () => {
    await stage.conversation(
      [{ receive: HEAD_END }, { send: answer(200) }, { receive: 'end' }, { send: answer(400) }, { end: true }],
      [{ send: request() }, { receive: HEAD_END }, { send: '\x16\x03\x01 garbage\r\nend' }, { receiveEnd: true }]
    );
    await stage.conversation(
      [{ receive: HEAD_END }, { send: answer(200) }],
      [{ send: request('PUT') }, { receive: HEAD_END }]
    );
    await stage.expectRequests({ 'GET 200': 1, 'PUT 200': 1 });
  });
});

describe('a connection older than the collector', () => {
  let stage: Stage;

  beforeEach(async () => {
    stage = await Stage.open({ unwatched: true });
  });

  afterEach(() => stage?.close());

  /** Starts the collector once the script of `holder` has come to its gate, and lets it go on then. */
  async function watchAtGate(holder: 'server' | 'client', server: Step[], client: Step[]) {
    const conversation = stage.conversation(server, client);
    // A conversation that fails on its way to the gate says so itself.
    await Promise.race([stage[holder].arrival('watched'), conversation]);
    await stage.watch();
    await stage[holder].open('watched');
    await conversation;
  }
  const GATE: Step = { gate: 'watched' };

  test('idle at that moment: every later request is counted', async () => {
    await watchAtGate(
      'client',
      Array.from({ length: 4 }, () => [{ receive: HEAD_END }, { send: answer(200) }]).flat(),
      [
        { send: request('POST') },
        { receive: HEAD_END },
        GATE,
        ...['GET', 'PUT', 'DELETE'].flatMap((method) => [{ send: request(method) }, { receive: HEAD_END }]),
      ]
    );
    await stage.expectRequests({ 'GET 200': 1, 'PUT 200': 1, 'DELETE 200': 1 });
  });

  test('waiting for an answer: that one is not timed and is counted as a loss, the later ones are counted', async () => {
    await watchAtGate(
      'server',
      [{ receive: HEAD_END }, GATE, { send: answer(200) }, { receive: HEAD_END }, { send: answer(404) }],
      [{ send: request('POST') }, { receive: HEAD_END }, { send: request('PUT') }, { receive: HEAD_END }]
    );
    await stage.expectRequests({ 'PUT 404': 1 });
    expect(stage.collector.losses().unmatched).toBe(2);
  });

  test('in the middle of an answer: that one is not timed', async () => {
    await watchAtGate(
      'server',
      [
        { receive: HEAD_END },
        { send: answer(200, { headers: { 'Content-Length': 8 } }) },
        GATE,
        { send: 'the rest' },
        { receive: HEAD_END },
        { send: answer(404) },
      ],
      [{ send: request('POST') }, { receive: 'the rest' }, { send: request('PUT') }, { receive: HEAD_END }]
    );
    await stage.expectRequests({ 'PUT 404': 1 });
  });
});
