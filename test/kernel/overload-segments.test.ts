/** Segments cut finer than a program reads on in: what is not seen is told, and it goes on with the next request. */
import { answer, CHUNKED, chunks, HEAD_END, request } from '../support/http-text';
import type { Step } from '../support/script';
import { Stage } from '../support/stage';

jest.setTimeout(60_000);

/** The shortest there are: 18 bytes. */
const TINY = `GET / HTTP/1.1${HEAD_END}`;
/** What is followed of a pipeline. */
const TIMED = 16;

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(() => stage?.close());

/** Two more, one after the other. */
const AFTER = {
  server: ['PUT', 'DELETE'].flatMap((): Step[] => [{ receive: HEAD_END }, { send: answer(204) }]),
  client: ['PUT', 'DELETE'].flatMap((method): Step[] => [{ send: request(method) }, { receive: HEAD_END }]),
};

test.each([
  [60, 'all are seen', 0],
  [1_000, 'the rest is lost, and told', 1],
])('%i requests in a segment: %s', async (count, _, lostOfASide) => {
  const before = stage.collector.losses();
  const asked = TINY.repeat(count);
  // An answer takes more to read than a request: these come in twos.
  await stage.conversation(
    [{ receiveBytes: asked.length }, { send: answer(200).repeat(2), times: count / 2, pauseMs: 1 }, ...AFTER.server],
    [{ send: asked }, { receiveBytes: answer(200).length * count }, ...AFTER.client]
  );
  await stage.expectRequests({ 'GET 200': TIMED, 'PUT 204': 1, 'DELETE 204': 1 });
  const { seen, overflowed, lost } = stage.collector.losses();
  const asMany = 2 * (count + 2);
  expect(lost - before.lost).toBe(2 * lostOfASide);
  if (lostOfASide === 0) {
    expect([seen - before.seen, overflowed - before.overflowed]).toEqual([asMany, 2 * (count - TIMED)]);
  } else {
    expect(seen - before.seen).toBeGreaterThan(2 * (60 + 2));
    expect(seen - before.seen).toBeLessThan(asMany);
  }
});

test.each([
  [200, 0],
  [2_000, 1],
])('an answer of %i chunks of a byte in a segment', async (count, lostOfASide) => {
  const { lost } = stage.collector.losses();
  const answered = answer(200, { headers: CHUNKED, body: chunks(Array<string>(count).fill('x')) });
  await stage.conversation(
    [{ receive: HEAD_END }, { send: answered }, ...AFTER.server],
    [{ send: request() }, { receiveBytes: answered.length }, ...AFTER.client]
  );
  await stage.expectRequests({ 'GET 200': 1, 'PUT 204': 1, 'DELETE 204': 1 });
  expect(stage.collector.losses().lost - lost).toBe(2 * lostOfASide);
});
