/** Requests through a real nginx: what the kernel counted equals nginx's own access log, per method and status. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Nginx, STATUSES } from '../support/nginx';
import { HEAD_END, request } from '../support/http-text';
import type { LoadRequest } from '../support/script';
import { countsOf, Stage } from '../support/stage';
import { until } from '../support/wait';

jest.setTimeout(60_000);

const MEGABYTES_10 = 10 * 1024 * 1024;
const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH', 'PROPFIND'];

let stage: Stage;
let nginx: Nginx;
let logged = 0;

beforeAll(async () => {
  stage = await Stage.open();
  nginx = await Nginx.start(stage.serverCgroup, { settings: 'if_modified_since before;' });
  writeFileSync(join(nginx.folder, 'files/small'), 'a small file\n');
  writeFileSync(
    join(nginx.folder, 'files/large'),
    Buffer.alloc(MEGABYTES_10, 'HTTP/1.1 200 OK\r\n\r\nGET / HTTP/1.1\r\n\r\n')
  );
});

afterAll(async () => {
  await stage?.close();
  await nginx?.remove();
});

/** Sends them all and compares both sides with what nginx has logged meanwhile. */
async function send(requests: LoadRequest[], options: { keepAlive: boolean; concurrency: number; host?: string }) {
  const answers = await stage.client.requests({ host: '127.0.0.1', port: nginx.port, requests, ...options });
  expect(answers.filter(({ status }) => status === 0)).toEqual([]);
  await expectLogged(requests.length);
  return answers;
}

async function expectLogged(requests: number) {
  // nginx logs a request when the answer has left, which is after the client has got it.
  await until('the log to be written', () => nginx.log().length >= logged + requests);
  const log = nginx.log().slice(logged);
  logged += log.length;
  expect(log).toHaveLength(requests);
  await stage.expectRequests(countsOf(log));
  return log;
}

/** `count` requests, every method with every status, the same ones in every run; some with bodies of various sizes. */
function mixed(count: number): LoadRequest[] {
  return Array.from({ length: count }, (_, i) => {
    const method = METHODS[i % METHODS.length];
    const hash = createHash('sha256').update(String(i)).digest();
    const withBody = ['POST', 'PUT', 'PATCH'].includes(method);
    return {
      method,
      path: `/status/${STATUSES[hash[0] % STATUSES.length]}`,
      bodyBytes: withBody ? hash.readUInt16LE(1) : 0,
      chunked: withBody && hash[3] % 2 === 0,
    };
  });
}

describe('2,311 requests of mixed method and status', () => {
  test.each([
    ['on kept-alive connections, 8 at a time', { keepAlive: true, concurrency: 8 }],
    ['on one kept-alive connection', { keepAlive: true, concurrency: 1 }],
    ['on a connection each, 8 at a time', { keepAlive: false, concurrency: 8 }],
    ['over IPv6', { keepAlive: true, concurrency: 4, host: '::1' }],
  ])('%s', async (_, options) => {
    const answers = await send(mixed(2_311), options);
    // nginx really did what it was told: otherwise this would compare one status with itself.
    expect(new Set(answers.map(({ method, status }) => `${method} ${status}`)).size).toBeGreaterThan(140);
  });
});

test('a burst of 200 connections at once', async () => {
  await send(mixed(1_000), { keepAlive: false, concurrency: 200 });
});

describe('bodies of 10 MB', () => {
  test('downloaded by sendfile', async () => {
    await send([{ method: 'GET', path: '/files/large' }], { keepAlive: true, concurrency: 1 });
  });

  test('uploaded with a length and in chunks, then downloaded', async () => {
    const uploads = [
      { method: 'PUT', path: '/files/upload', bodyBytes: MEGABYTES_10 },
      { method: 'GET', path: '/files/upload' },
      { method: 'PUT', path: '/files/upload', bodyBytes: MEGABYTES_10, chunked: true },
      { method: 'GET', path: '/files/upload' },
    ];
    const answers = await send(uploads, { keepAlive: true, concurrency: 1 });
    expect(answers.map(({ status }) => status)).toEqual([201, 200, 204, 200]);
  });

  test('downloaded in chunks, between small ones on the same connection', async () => {
    const paths = ['/chunked/small', '/chunked/large', '/chunked/small', '/files/small', '/chunked/large'];
    await send(
      paths.map((path) => ({ method: 'GET', path })),
      { keepAlive: true, concurrency: 1 }
    );
  });
});

test('a file asked for in parts, and a file the client has already', async () => {
  const requests: LoadRequest[] = [
    { method: 'GET', path: '/files/small', headers: { Range: 'bytes=0-3' } },
    {
      method: 'GET',
      path: '/files/small',
      headers: { 'If-Modified-Since': new Date(Date.now() + 60_000).toUTCString() },
    },
    { method: 'HEAD', path: '/files/large' },
    { method: 'GET', path: '/files/small', headers: { Range: 'bytes=1000-' } },
    { method: 'GET', path: '/files/none' },
  ];
  const answers = await send(requests, { keepAlive: true, concurrency: 1 });
  expect(answers.map(({ status }) => status)).toEqual([206, 304, 200, 416, 404]);
});

describe('a raw client', () => {
  test('speaking HTTP/1.0, with and without keep-alive', async () => {
    const old = (headers = {}) => request('GET', { target: '/status/200', version: '1.0', headers });
    await stage.client.connect(nginx.port, [{ send: old() }, { receiveEnd: true }]);
    const kept = { send: old({ Connection: 'keep-alive' }) };
    const seen = await stage.client.connect(nginx.port, [
      kept,
      { receive: 'answer 200\n' },
      kept,
      { receive: 'answer 200\n' },
      { send: old() },
      { receiveEnd: true },
    ]);
    expect(seen.failure).toBeUndefined();
    // A body of unknown length has to end with the connection.
    const chunked = request('GET', { target: '/chunked/small', version: '1.0' });
    await stage.client.connect(nginx.port, [{ send: chunked }, { receiveEnd: true }]);
    await expectLogged(5);
  });

  test('pipelining 12 requests in one segment, again and again', async () => {
    const dozen = Array.from({ length: 12 }, (_, i) => {
      const status = [200, 204, 304, 404][i % 4];
      return i % 3 === 2
        ? request('POST', { target: `/status/${status}`, body: 'GET / HTTP/1.1\r\n\r\n' })
        : request(i % 5 === 1 ? 'HEAD' : 'GET', { target: `/status/${status}` });
    }).join('');
    const script = Array.from({ length: 20 }, () => [
      { send: dozen },
      { receive: 'HTTP/1.1', times: 12 },
      { pauseMs: 5 },
    ]).flat();
    const seen = await stage.client.connect(nginx.port, script);
    expect(seen.failure).toBeUndefined();
    await expectLogged(240);
  });

  test('expecting 100 Continue before its body', async () => {
    const head = request('PUT', {
      target: '/files/expected',
      headers: { 'Content-Length': 6, Expect: '100-continue' },
    });
    const seen = await stage.client.connect(nginx.port, [
      { send: head },
      { receive: `HTTP/1.1 100 Continue${HEAD_END}` },
      { send: 'abcdef' },
      { receive: 'HTTP/1.1 201 Created' },
      { receive: HEAD_END },
    ]);
    expect(seen.failure).toBeUndefined();
    await expectLogged(1);
  });

  test('sending a byte a segment', async () => {
    const seen = await stage.client.connect(nginx.port, [
      { dribble: request('POST', { target: '/status/201', body: 'body' }), pauseMs: 1 },
      { receive: 'answer 201\n' },
      { dribble: request('DELETE', { target: '/status/204' }), pauseMs: 1 },
      { receive: HEAD_END },
    ]);
    expect(seen.failure).toBeUndefined();
    await expectLogged(2);
  });

  test('sending a request that nginx refuses, with a header of 7 kB', async () => {
    const headers = { Cookie: 'c'.repeat(7_000) };
    await stage.client.connect(nginx.port, [
      { send: request('GET', { target: '/status/200', headers }) },
      { receive: 'answer 200\n' },
      { send: 'GET /status/200 HTTP/1.1\r\n\r\n' },
      { receiveEnd: true },
    ]);
    const log = await expectLogged(2);
    expect(log.map(({ status }) => status)).toEqual([200, 400]);
  });
});

test('a listener that the kernel wakes only for data (TCP_DEFER_ACCEPT, Apache’s default)', async () => {
  const cgroup = stage.cgroup.child('deferred');
  const deferred = await Nginx.start(cgroup, { listen: 'deferred' });
  try {
    const load = { host: '127.0.0.1', port: deferred.port, requests: mixed(311), concurrency: 4 };
    await stage.client.requests({ ...load, keepAlive: false });
    await stage.client.requests({ ...load, keepAlive: true });
    await deferred.stop();
    const counts = countsOf(deferred.log());
    await stage.expectExactly({
      [`client in ${stage.clientCgroup.label}`]: counts,
      [`server in ${cgroup.label}`]: counts,
    });
  } finally {
    await deferred.remove();
  }
});

test('nginx as a proxy is a client of its upstream too', async () => {
  const upstream = await stage.server.listen([
    Array.from({ length: 30 }, () => [
      { receive: HEAD_END },
      { send: 'HTTP/1.1 201 Made\r\nContent-Length: 2\r\n\r\nok' },
    ]).flat(),
  ]);
  const cgroup = stage.cgroup.child('proxy');
  const proxy = await Nginx.start(cgroup, {
    locations: `location / { proxy_pass http://127.0.0.1:${upstream}; proxy_http_version 1.1; proxy_set_header Connection ""; }`,
  });
  try {
    const requests = Array.from({ length: 23 }, () => ({ method: 'GET', path: '/' }));
    await stage.client.requests({ host: '127.0.0.1', port: proxy.port, requests, keepAlive: true, concurrency: 1 });
    await proxy.stop();
    const counts = { 'GET 201': 23 };
    await stage.expectExactly({
      [`client in ${stage.clientCgroup.label}`]: counts,
      [`server in ${cgroup.label}`]: counts,
      [`client in ${cgroup.label}`]: counts,
      [`server in ${stage.serverCgroup.label}`]: counts,
    });
    expect(proxy.counts()).toEqual({ 'GET 201': 23 });
  } finally {
    await proxy.remove();
  }
});
