/** Answers that are not the answer (1xx), answers that come early, and connections that stop being HTTP. */
import { answer, CRLF, HEAD_END, request } from '../support/http-text';
import { Stage } from '../support/stage';

jest.setTimeout(60_000);

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open();
});

afterAll(() => stage?.close());

const CONTINUE = `HTTP/1.1 100 Continue${HEAD_END}`;
const EARLY_HINTS = `HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload${HEAD_END}`;

describe('an interim answer is not an answer', () => {
  test('100 Continue, then the body, then the answer', async () => {
    await stage.conversation(
      [
        { receive: HEAD_END },
        { send: CONTINUE },
        { receive: 'body' },
        { send: answer(201) },
        { receive: HEAD_END },
        { send: answer(202) },
      ],
      [
        { send: request('PUT', { headers: { Expect: '100-continue', 'Content-Length': 4 } }) },
        { receive: CONTINUE },
        { send: 'body' },
        { receive: HEAD_END },
        { send: request('DELETE') },
        { receive: HEAD_END },
      ]
    );
    await stage.expectRequests({ 'PUT 201': 1, 'DELETE 202': 1 });
  });

  test('refused by 417: the body is never sent', async () => {
    await stage.conversation(
      [{ receive: HEAD_END }, { send: answer(417, { headers: { Connection: 'close' } }) }],
      [{ send: request('PUT', { headers: { Expect: '100-continue', 'Content-Length': 4 } }) }, { receiveEnd: true }]
    );
    await stage.expectRequests({ 'PUT 417': 1 });
  });

  test('several 103 Early Hints, alone, in one segment with the answer, and split', async () => {
    await stage.conversation(
      [
        { receive: HEAD_END },
        { send: EARLY_HINTS },
        { pauseMs: 2 },
        { send: EARLY_HINTS + answer(200, { body: 'one' }) },
        { receive: HEAD_END },
        { send: EARLY_HINTS.slice(0, 11) },
        { pauseMs: 2 },
        { send: EARLY_HINTS.slice(11) + CONTINUE + answer(404, { body: 'two' }) },
      ],
      [{ send: request() }, { receive: 'one' }, { send: request('POST', { body: 'b' }) }, { receive: 'two' }]
    );
    await stage.expectRequests({ 'GET 200': 1, 'POST 404': 1 });
  });
});

describe('an answer before the end of its request', () => {
  test('413 while the body is still coming, and the connection goes on', async () => {
    await stage.conversation(
      [
        { receive: HEAD_END },
        { send: answer(413) },
        { receiveBytes: 100_000 },
        { receive: HEAD_END },
        { send: answer(202) },
      ],
      [
        { send: request('POST', { headers: { 'Content-Length': 100_000 } }) },
        { receive: HEAD_END },
        { fill: 100_000 },
        { send: request('DELETE') },
        { receive: HEAD_END },
      ]
    );
    await stage.expectRequests({ 'POST 413': 1, 'DELETE 202': 1 });
  });

  test('401 while the header is still coming', async () => {
    await stage.conversation(
      [{ receive: 'Host' }, { send: answer(401) }, { receive: HEAD_END }, { receive: HEAD_END }, { send: answer(202) }],
      [
        { send: 'GET / HTTP/1.1\r\nHost: test\r\nAccept:' },
        { receive: HEAD_END },
        { send: ` */*${HEAD_END}` },
        { pauseMs: 2 },
        { send: request('DELETE') },
        { receive: HEAD_END },
      ]
    );
    await stage.expectRequests({ 'GET 401': 1, 'DELETE 202': 1 });
  });
});

describe('a connection that stops being HTTP', () => {
  const UPGRADE = { Connection: 'Upgrade', Upgrade: 'websocket' };
  const IMPOSTOR_REQUEST = request('POST', { body: 'abc' });
  const IMPOSTOR_ANSWER = answer(500, { body: 'abc' });

  test('upgraded to WebSocket: what follows is counted by nobody, whatever it looks like', async () => {
    const frame = '\x82\x7e\x01\x00' + '\xff\x00'.repeat(128);
    await stage.conversation(
      [
        { receive: HEAD_END },
        // The first frame rides along with the answer.
        { send: `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket${HEAD_END}${frame}` },
        { receive: frame },
        { send: IMPOSTOR_ANSWER },
        { receive: IMPOSTOR_REQUEST },
        { send: IMPOSTOR_ANSWER },
        { receive: IMPOSTOR_REQUEST },
        { send: frame },
      ],
      [
        { send: request('GET', { headers: UPGRADE }) },
        { receive: frame },
        { send: frame },
        { receive: IMPOSTOR_ANSWER },
        { send: IMPOSTOR_REQUEST },
        { receive: IMPOSTOR_ANSWER },
        { send: IMPOSTOR_REQUEST },
        { receive: frame },
      ]
    );
    await stage.expectRequests({ 'GET 101': 1 });
  });

  test('upgraded while another request waits: what rides along with the 101 is not its answer', async () => {
    const asked = request('GET', { headers: UPGRADE }) + request('PUT');
    const answered = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket${HEAD_END}${IMPOSTOR_ANSWER}`;
    await stage.conversation(
      [{ receiveBytes: asked.length }, { send: answered }],
      [{ send: asked }, { receiveBytes: answered.length }]
    );
    await stage.expectRequests({ 'GET 101': 1, 'PUT none': 1 });
  });

  test('an upgrade that the server does not take is an ordinary request', async () => {
    await stage.conversation(
      [{ receive: HEAD_END }, { send: answer(426, { body: 'no' }) }, { receive: HEAD_END }, { send: answer(202) }],
      [
        { send: request('GET', { headers: UPGRADE }) },
        { receive: 'no' },
        { send: request('DELETE') },
        { receive: HEAD_END },
      ]
    );
    await stage.expectRequests({ 'GET 426': 1, 'DELETE 202': 1 });
  });

  test('a tunnel by CONNECT', async () => {
    await stage.conversation(
      [
        { receive: HEAD_END },
        { send: `HTTP/1.1 200 Connected${HEAD_END}` },
        { receive: IMPOSTOR_REQUEST },
        { send: IMPOSTOR_ANSWER },
        { receive: 'over' },
      ],
      [
        { send: request('CONNECT', { target: 'test:443' }) },
        { receive: HEAD_END },
        { send: IMPOSTOR_REQUEST },
        { receive: IMPOSTOR_ANSWER },
        { send: 'over' },
      ]
    );
    await stage.expectRequests({ 'CONNECT 200': 1 });
  });

  test('a tunnel refused, after which the connection goes on', async () => {
    await stage.conversation(
      [{ receive: HEAD_END }, { send: answer(407, { body: 'no' }) }, { receive: HEAD_END }, { send: answer(202) }],
      [
        { send: request('CONNECT', { target: 'test:443' }) },
        { receive: `${CRLF}no` },
        { send: request('DELETE') },
        { receive: HEAD_END },
      ]
    );
    await stage.expectRequests({ 'CONNECT 407': 1, 'DELETE 202': 1 });
  });
});
