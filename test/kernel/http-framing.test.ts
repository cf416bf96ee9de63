/** Where a message ends: lengths, chunks, splits in every place, and bodies that pretend to be messages. */
import { answer, chunks, CHUNKED, CRLF, HEAD_END, request } from '../support/http-text';
import type { Step } from '../support/script';
import { Stage } from '../support/stage';

jest.setTimeout(60_000);

const IMPOSTORS =
  'HTTP/1.1 500 No\r\nContent-Length: 3\r\n\r\nGET /no HTTP/1.1\r\nHost: no\r\n\r\nHTTP/1.1 503 No\r\n\r\n';

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open();
});

afterAll(() => stage?.close());

/** One exchange after the other on one connection; each text goes out in one segment. */
async function exchange(pairs: Array<{ asked: string; answered: string }>): Promise<void> {
  const server = pairs.flatMap(({ asked, answered }): Step[] => [{ receiveBytes: asked.length }, { send: answered }]);
  const client = pairs.flatMap(({ asked, answered }): Step[] => [{ send: asked }, { receiveBytes: answered.length }]);
  await stage.conversation([...server, { receiveEnd: true }], [...client, { end: true }]);
}

/** An exchange behind the one in question: it is counted only if the first one's end was found. */
const NEXT = { asked: request('DELETE'), answered: answer(202) };

describe('the length of an answer', () => {
  test.each([
    ['Content-Length', answer(200, { body: IMPOSTORS })],
    ['Content-Length: 0', answer(200)],
    ['content-length in lower case, without a blank', `HTTP/1.1 200 OK\r\ncontent-length:3\r\n\r\nabc`],
    ['CONTENT-LENGTH in upper case, with blanks', `HTTP/1.1 200 OK\r\nCONTENT-LENGTH: \t 3 \r\n\r\nabc`],
    [
      'header names that only look like it',
      answer(200, { headers: { 'X-Content-Length': 99, 'Content-Lengths': 99, 'Content-Lengt': 9 }, body: 'abc' }),
    ],
    [
      'a Content-Type before it and a Transfer-Foo behind',
      'HTTP/1.1 200 OK\r\nContent-Type: t\r\nContent-Length: 3\r\nTransfer-Foo: chunked\r\n\r\nabc',
    ],
    ['lines that end in LF alone', 'HTTP/1.1 200 OK\nContent-Length: 3\n\nabc'],
    ['no reason phrase', `HTTP/1.1 200 \r\nContent-Length: 3\r\n\r\nabc`],
    ['neither reason nor blank', `HTTP/1.1 200\r\nContent-Length: 3\r\n\r\nabc`],
    ['HTTP/1.0 with keep-alive', answer(200, { version: '1.0', headers: { Connection: 'keep-alive' }, body: 'abc' })],
    ['one chunk', answer(200, { headers: CHUNKED, body: chunks(['abc']) })],
    ['no chunk', answer(200, { headers: CHUNKED, body: chunks([]) })],
    [
      'many chunks',
      answer(200, { headers: CHUNKED, body: chunks(Array.from({ length: 50 }, (_, i) => 'x'.repeat(i + 1))) }),
    ],
    ['chunks that pretend to be messages', answer(200, { headers: CHUNKED, body: chunks([IMPOSTORS, IMPOSTORS]) })],
    [
      'chunk sizes in upper case with leading zeros',
      answer(200, { headers: CHUNKED, body: `0000A\r\n0123456789\r\n0b;x=1\r\n0123456789a\r\n000\r\n\r\n` }),
    ],
    [
      'chunk extensions',
      answer(200, { headers: CHUNKED, body: chunks(['abc', 'de'], { extension: ';name="0\\"";a=f' }) }),
    ],
    [
      'trailers',
      answer(200, {
        headers: CHUNKED,
        body: chunks(['abc'], { trailers: 'Expires: never\r\nContent-Length: 77\r\n' }),
      }),
    ],
    ['gzip, chunked', answer(200, { headers: { 'Transfer-Encoding': 'gzip, chunked' }, body: chunks(['abc']) })],
    [
      'chunked beside a Content-Length, which is void',
      answer(200, { headers: { 'Content-Length': 5, ...CHUNKED }, body: chunks(['abc']) }),
    ],
    ['a header of 8 kB', answer(200, { headers: { 'Set-Cookie': 'c'.repeat(8_192) }, body: 'abc' })],
    [
      '300 header lines',
      answer(200, {
        headers: Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`Content-${i}`, i])),
        body: 'abc',
      }),
    ],
  ])('by %s', async (_, answered) => {
    await exchange([{ asked: request(), answered }, NEXT]);
    await stage.expectRequests({ 'GET 200': 1, 'DELETE 202': 1 });
  });
});

describe('an answer without a body', () => {
  test.each([
    ['to HEAD, whatever length it names', 'HEAD', answer(200, { headers: { 'Content-Length': 12_345 } }), 'HEAD 200'],
    ['to HEAD, chunked', 'HEAD', answer(200, { headers: CHUNKED }), 'HEAD 200'],
    ['to HEAD, of no length at all', 'HEAD', answer(404, { length: false }), 'HEAD 404'],
    ['204', 'POST', answer(204), 'POST 204'],
    [
      '304 that names the length of what it does not send',
      'GET',
      answer(304, { headers: { 'Content-Length': 99 } }),
      'GET 304',
    ],
  ])('%s', async (_, method, answered, counted) => {
    await exchange([{ asked: request(method), answered }, NEXT]);
    await stage.expectRequests({ [counted]: 1, 'DELETE 202': 1 });
  });
});

describe('the length of a request', () => {
  test.each([
    ['Content-Length', request('POST', { body: IMPOSTORS })],
    ['Content-Length: 0', request('POST', { length: true })],
    [
      'chunks',
      request('POST', {
        headers: CHUNKED,
        body: chunks([IMPOSTORS, 'abc'], { extension: ';q', trailers: 'A: b\r\n' }),
      }),
    ],
    ['a header of 8 kB', request('POST', { headers: { Cookie: 'c'.repeat(8_192) }, body: 'abc' })],
    ['a target of 8 kB', request('POST', { target: `/${'t'.repeat(8_192)}`, body: 'abc' })],
    ['a target that ends like a request line', request('POST', { target: '/?HTTP/1.1%20HTTP/1.0', body: 'abc' })],
    ['an absolute target', request('POST', { target: 'http://test/', body: 'abc' })],
    ['an empty line before it', CRLF + request('POST', { body: 'abc' })],
  ])('by %s', async (_, asked) => {
    await exchange([{ asked, answered: answer(201, { body: 'abc' }) }, NEXT]);
    await stage.expectRequests({ 'POST 201': 1, 'DELETE 202': 1 });
  });

  test('every method by its name, and _OTHER for those that are none of OpenTelemetry’s', async () => {
    const methods = [
      'GET',
      'POST',
      'PUT',
      'DELETE',
      'HEAD',
      'OPTIONS',
      'PATCH',
      'TRACE',
      'PROPFIND',
      'MKCOL',
      'M-SEARCH',
      'GETS',
      'X',
    ];
    await exchange(methods.map((method) => ({ asked: request(method), answered: answer(204) })));
    await stage.expectRequests({
      ...Object.fromEntries(methods.slice(0, 8).map((method) => [`${method} 204`, 1])),
      '_OTHER 204': 5,
    });
  });

  test('OPTIONS *', async () => {
    await exchange([{ asked: request('OPTIONS', { target: '*' }), answered: answer(204) }]);
    await stage.expectRequests({ 'OPTIONS 204': 1 });
  });
});

test('every status from 200 to 599 that someone might invent', async () => {
  const statuses = [200, 226, 299, 300, 399, 418, 451, 499, 500, 511, 520, 599];
  await exchange(statuses.map((status) => ({ asked: request(), answered: answer(status, { body: 'x' }) })));
  await stage.expectRequests(Object.fromEntries(statuses.map((status) => [`GET ${status}`, 1])));
});

describe('split into segments', () => {
  const asked = request('POST', {
    target: '/a',
    headers: { 'X-A': 'b', ...CHUNKED },
    body: chunks(['abc', 'GET / HTTP/1.1'], { extension: ';x', trailers: 'T: u\r\n' }),
  });
  const inChunks = answer(201, {
    headers: CHUNKED,
    body: chunks(['HTTP/1.1 500 No', 'abc'], { extension: ';x', trailers: 'T: u\r\n' }),
  });
  const withLength = answer(201, { headers: { 'Content-Type': 'text/plain' }, body: 'HTTP/1.1 500 No\r\n\r\n' });

  /** The text in two segments, cut in every place, one exchange a place. */
  const cuts = (text: string) =>
    Array.from({ length: text.length - 1 }, (_, i) => [text.slice(0, i + 1), text.slice(i + 1)]);
  const inTwo = ([first, second]: string[]): Step[] => [{ send: first }, { pauseMs: 1 }, { send: second }];

  test('a request, in every place', async () => {
    const answered = answer(200, { body: 'abc' });
    await stage.conversation(
      cuts(asked).flatMap(() => [{ receiveBytes: asked.length }, { send: answered }]),
      cuts(asked).flatMap((cut) => [...inTwo(cut), { receiveBytes: answered.length }])
    );
    await stage.expectRequests({ 'POST 200': asked.length - 1 });
  });

  test.each([
    ['in chunks', inChunks],
    ['with a length', withLength],
  ])('an answer %s, in every place', async (_, answered) => {
    await stage.conversation(
      cuts(answered).flatMap((cut) => [{ receiveBytes: request().length }, ...inTwo(cut)]),
      cuts(answered).flatMap(() => [{ send: request() }, { receiveBytes: answered.length }])
    );
    await stage.expectRequests({ 'GET 201': answered.length - 1 });
  });

  test('both, a byte a segment', async () => {
    await stage.conversation(
      [1, 2, 3].flatMap(() => [{ receiveBytes: asked.length }, { dribble: inChunks, pauseMs: 1 }]),
      [1, 2, 3].flatMap(() => [{ dribble: asked, pauseMs: 1 }, { receiveBytes: inChunks.length }])
    );
    await stage.expectRequests({ 'POST 201': 3 });
  });

  test('a status line in two, again and again with other statuses', async () => {
    const statuses = [200, 404, 503, 201, 500];
    await stage.conversation(
      statuses.flatMap((status) => [
        { receive: HEAD_END },
        { send: `HTTP/1.1 ${status}`.slice(0, 10) },
        { pauseMs: 5 },
        { send: answer(status, { body: 'x' }).slice(10) },
      ]),
      statuses.flatMap(() => [{ send: request() }, { receive: `${HEAD_END}x` }])
    );
    await stage.expectRequests(Object.fromEntries(statuses.map((status) => [`GET ${status}`, 1])));
  });

  test('a header of 64 kB, in segments of 100 bytes', async () => {
    const long = answer(200, { headers: { A: 'a'.repeat(65_536) }, body: 'abc' });
    const segments = long.match(/[^]{1,100}/g)!;
    await stage.conversation(
      [{ receive: HEAD_END }, ...segments.map((send) => ({ send })), { receive: HEAD_END }, { send: answer(202) }],
      [{ send: request() }, { receiveBytes: long.length }, { send: request('DELETE') }, { receive: HEAD_END }]
    );
    await stage.expectRequests({ 'GET 200': 1, 'DELETE 202': 1 });
  });
});

describe('bodies that start a segment like a message', () => {
  test('of an answer', async () => {
    const body = IMPOSTORS.repeat(20);
    await stage.conversation(
      [
        { receive: HEAD_END },
        { send: answer(200, { headers: { 'Content-Length': body.length } }) },
        { send: IMPOSTORS, times: 20, pauseMs: 1 },
        { receive: HEAD_END },
        { send: answer(202) },
      ],
      [
        { send: request() },
        { receive: HEAD_END },
        { receiveBytes: body.length },
        { send: request('DELETE') },
        { receive: HEAD_END },
      ]
    );
    await stage.expectRequests({ 'GET 200': 1, 'DELETE 202': 1 });
  });

  test('of a request', async () => {
    const body = IMPOSTORS.repeat(20);
    await stage.conversation(
      [
        { receive: HEAD_END },
        { receiveBytes: body.length },
        { send: answer(200) },
        { receive: HEAD_END },
        { send: answer(202) },
      ],
      [
        { send: request('PUT', { headers: { 'Content-Length': body.length } }) },
        { send: IMPOSTORS, times: 20, pauseMs: 1 },
        { receive: HEAD_END },
        { send: request('DELETE') },
        { receive: HEAD_END },
      ]
    );
    await stage.expectRequests({ 'PUT 200': 1, 'DELETE 202': 1 });
  });
});

describe('large bodies between raw peers', () => {
  const BYTES = 10 * 1024 * 1024;

  test('10 MB down and up with a length', async () => {
    const length = { headers: { 'Content-Length': BYTES } };
    await stage.conversation(
      [
        { receive: HEAD_END },
        { send: answer(200, length) },
        { fill: BYTES },
        { receive: HEAD_END },
        { receiveBytes: BYTES },
        { send: answer(201) },
      ],
      [
        { send: request() },
        { receive: HEAD_END },
        { receiveBytes: BYTES },
        { send: request('PUT', length) },
        { fill: BYTES },
        { receive: HEAD_END },
      ]
    );
    await stage.expectRequests({ 'GET 200': 1, 'PUT 201': 1 });
  });

  test('2,000 chunks of 1,000 bytes, sent by the thousand at once', async () => {
    const half = '3e8\r\n' + 'x'.repeat(1_000) + CRLF;
    const all = half.repeat(2_000).length;
    await stage.conversation(
      [
        { receive: HEAD_END },
        { send: answer(200, { headers: CHUNKED }) },
        { send: half.repeat(1_000), times: 2 },
        { send: '0\r\n\r\n' },
        { receive: HEAD_END },
        { send: answer(202) },
      ],
      [
        { send: request() },
        { receive: HEAD_END },
        { receiveBytes: all + 5 },
        { send: request('DELETE') },
        { receive: HEAD_END },
      ]
    );
    await stage.expectRequests({ 'GET 200': 1, 'DELETE 202': 1 });
  });
});

test.each(['127.0.0.1', '::1'])('the same on %s', async (host) => {
  await stage.conversation(
    [{ receive: HEAD_END }, { send: answer(200, { body: IMPOSTORS }) }, { receiveEnd: true }],
    [{ send: request() }, { receive: IMPOSTORS }, { end: true }],
    { host }
  );
  await stage.expectRequests({ 'GET 200': 1 });
});
