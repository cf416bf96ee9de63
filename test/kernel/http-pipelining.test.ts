/** Requests sent before the earlier ones are answered: each answer belongs to the oldest one that waits. */
import { answer, CHUNKED, chunks, HEAD_END, request } from '../support/http-text';
import { Stage } from '../support/stage';

jest.setTimeout(60_000);

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open();
});

afterAll(() => stage?.close());

/** How deep a pipeline is followed (bpf/http_connection.h). */
const DEPTH = 16;

/** Messages that end in every way there is, with the answers that go with them. */
const ASKED = [
  request('GET'),
  request('POST', { body: 'GET / HTTP/1.1\r\n\r\n' }),
  request('HEAD'),
  request('PUT', { headers: CHUNKED, body: chunks(['abc']) }),
  request('DELETE'),
];
const ANSWERED = [
  answer(200, { body: 'HTTP/1.1 500 No\r\n\r\n' }),
  answer(201, { headers: CHUNKED, body: chunks(['HTTP/1.1 500 No']) }),
  answer(404, { headers: { 'Content-Length': 1_000 } }),
  answer(304),
  answer(204),
];
const COUNTED = { 'GET 200': 1, 'POST 201': 1, 'HEAD 404': 1, 'PUT 304': 1, 'DELETE 204': 1 };

test('all in one segment, answered in one segment', async () => {
  const [asked, answered] = [ASKED.join(''), ANSWERED.join('')];
  await stage.conversation(
    [{ receiveBytes: asked.length }, { send: answered }],
    [{ send: asked }, { receiveBytes: answered.length }]
  );
  await stage.expectRequests(COUNTED);
});

test('one segment, answered in a segment each', async () => {
  const [asked, answered] = [ASKED.join(''), ANSWERED.join('')];
  await stage.conversation(
    [{ receiveBytes: asked.length }, ...ANSWERED.flatMap((send) => [{ send }, { pauseMs: 2 }])],
    [{ send: asked }, { receiveBytes: answered.length }]
  );
  await stage.expectRequests(COUNTED);
});

test('in segments that end anywhere but at the end of a message', async () => {
  const [asked, answered] = [ASKED.join(''), ANSWERED.join('')];
  const pieces = (text: string) => text.match(/[^]{1,37}/g)!.flatMap((send) => [{ send }, { pauseMs: 1 }]);
  await stage.conversation(
    [{ receiveBytes: asked.length }, ...pieces(answered)],
    [...pieces(asked), { receiveBytes: answered.length }]
  );
  await stage.expectRequests(COUNTED);
});

test(`${DEPTH} deep, over and over`, async () => {
  const asked = request().repeat(DEPTH);
  const answered = answer(200, { body: 'x' }).repeat(DEPTH);
  const rounds = [1, 2, 3, 4, 5];
  await stage.conversation(
    rounds.flatMap(() => [{ receiveBytes: asked.length }, { send: answered }]),
    rounds.flatMap(() => [{ send: asked }, { receiveBytes: answered.length }])
  );
  await stage.expectRequests({ 'GET 200': 5 * DEPTH });
});

test('a pipeline that is refilled while it is answered', async () => {
  const one = answer(200, { body: 'x' });
  await stage.conversation(
    [
      { receive: HEAD_END, times: 10 },
      ...Array.from({ length: 90 }, () => [{ send: one }, { receive: HEAD_END }]).flat(),
      { send: one, times: 10 },
    ],
    [
      { send: request(), times: 10 },
      ...Array.from({ length: 90 }, () => [{ receive: `${HEAD_END}x` }, { send: request() }]).flat(),
      { receive: `${HEAD_END}x`, times: 10 },
    ]
  );
  await stage.expectRequests({ 'GET 200': 100 });
});

test(`a limit: of a pipeline deeper than ${DEPTH} the first ${DEPTH} are timed, the others counted as overflowed`, async () => {
  const before = stage.collector.losses().overflowed;
  const asked = request().repeat(DEPTH + 23);
  const answered = answer(200, { body: 'x' }).repeat(DEPTH + 23);
  await stage.conversation(
    [{ receiveBytes: asked.length }, { send: answered }, { receive: HEAD_END }, { send: answer(404) }],
    [{ send: asked }, { receiveBytes: answered.length }, { send: request('DELETE') }, { receive: HEAD_END }]
  );
  await stage.expectRequests({ 'GET 200': DEPTH, 'DELETE 404': 1 });
  expect(stage.collector.losses().overflowed - before).toBe(2 * 23);
});

describe('the server closes in the middle', () => {
  test('after two whole answers: the others got none', async () => {
    const asked = request('GET').repeat(3) + request('PUT').repeat(2);
    await stage.conversation(
      [{ receiveBytes: asked.length }, { send: answer(200) + answer(200) }, { end: true }],
      [{ send: asked }, { receiveEnd: true }]
    );
    await stage.expectRequests({ 'GET 200': 2, 'GET none': 1, 'PUT none': 2 });
  });

  test('with an answer that says so and has no length', async () => {
    const asked = request('GET').repeat(3);
    await stage.conversation(
      [
        { receiveBytes: asked.length },
        { send: answer(200) + answer(500, { length: false }) + 'HTTP/1.1 200 OK\r\n\r\n' },
        { end: true },
      ],
      [{ send: asked }, { receiveEnd: true }]
    );
    await stage.expectRequests({ 'GET 200': 1, 'GET 500': 1, 'GET none': 1 });
  });

  test('by a reset', async () => {
    const asked = request('GET').repeat(5);
    await stage.conversation(
      [{ receiveBytes: asked.length }, { send: answer(200) }, { pauseMs: 20 }, { reset: true }],
      [{ send: asked }, { receiveEnd: true }]
    );
    await stage.expectRequests({ 'GET 200': 1, 'GET none': 4 });
  });
});
