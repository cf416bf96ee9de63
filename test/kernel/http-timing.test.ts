/**
 * Durations against what the two processes measured themselves.
 *
 * All clocks here are the kernel's one monotonic clock, and the vantage points lie inside one another: the server's
 * process, the kernel on the server's side, the kernel on the client's side, the client's process. So every duration has a
 * lower and an upper bound that were measured in the same run, and no tolerance has to be guessed.
 */
import { MAX_RELATIVE_ERROR } from '../../wire/histogram';
import { answer, HEAD_END, request } from '../support/http-text';
import type { Conversation, Step } from '../support/script';
import { Stage } from '../support/stage';
import { quantileSeconds } from '../support/totals';

jest.setTimeout(60_000);

let stage: Stage;

beforeEach(async () => {
  stage = await Stage.open();
});

afterEach(() => stage?.close());

/** Asks for `BODY` and waits for the first and the last byte; the server pauses before each. */
const HEAD = answer(200, { headers: { 'Content-Length': 4 } });
const BODY = 'body';
const ASK: Step[] = [{ send: request() }, { receive: HEAD }, { receive: BODY }];
const give = (firstMs: number, lastMs: number): Step[] => [
  { receive: HEAD_END },
  { pauseMs: firstMs },
  { send: HEAD },
  { pauseMs: lastMs },
  { send: BODY },
];

interface Bounds {
  /** Inside of the kernel's interval: from having read the request to just before writing. */
  server: number[];
  /** Around it: from just before writing the request to having read. */
  client: number[];
}

const seconds = (from: number, to: number) => (to - from) / 1e9;

function durations({ server, client }: { server: Conversation[]; client: Conversation[] }): {
  ttfb: Bounds;
  duration: Bounds;
} {
  const each = <T>(items: Conversation[], f: (of: Conversation, i: number) => T) =>
    items.flatMap((item) => Array.from({ length: item.receivedNanoseconds.length }, (_, i) => f(item, i)));
  const served = (write: number) => (of: Conversation, i: number) =>
    seconds(of.receivedNanoseconds[i], of.sentNanoseconds[2 * i + write]);
  const asked = (read: number) => (of: Conversation, i: number) =>
    i % 2 === read ? [seconds(of.sentNanoseconds[(i - read) / 2], of.receivedNanoseconds[i])] : [];
  return {
    ttfb: { server: each(server, served(0)), client: each(client, asked(0)).flat() },
    duration: { server: each(server, served(1)), client: each(client, asked(1)).flat() },
  };
}

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);

/** The naive quantile of a sample: the value of that rank. */
function sampleQuantile(values: number[], quantile: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(quantile * sorted.length) - 1)];
}

/** An estimate from buckets may be off by half a bucket, and by nothing more. */
function expectWithin(estimate: number, low: number, high: number): void {
  expect(estimate).toBeGreaterThanOrEqual(low / (1 + MAX_RELATIVE_ERROR));
  expect(estimate).toBeLessThanOrEqual(high * (1 + MAX_RELATIVE_ERROR));
}

test('one request with 50 ms to its first byte and 150 ms to its last', async () => {
  const { server, client } = await stage.conversation(give(50, 100), ASK);
  const totals = await stage.collector.settle();
  const { ttfb, duration } = durations({ server: [server], client: [client] });
  expect(ttfb.client[0]).toBeGreaterThan(0.045);
  expect(duration.client[0]).toBeGreaterThan(0.145);

  for (const [metric, bounds] of [
    ['time_to_first_byte', ttfb],
    ['request_duration', duration],
  ] as const) {
    const onServer = totals.merged(`http_server_${metric}_seconds`);
    const onClient = totals.merged(`http_client_${metric}_seconds`);
    expect([onServer.count, onClient.count]).toEqual([1, 1]);
    // The sums are exact: four vantage points, each inside the next.
    const nested = [bounds.server[0], onServer.sumSeconds, onClient.sumSeconds, bounds.client[0]];
    expect(nested).toEqual([...nested].sort((a, b) => a - b));
    expectWithin(quantileSeconds(onServer.buckets, 0.5), onServer.sumSeconds, onServer.sumSeconds);
    expectWithin(quantileSeconds(onClient.buckets, 0.5), onClient.sumSeconds, onClient.sumSeconds);
  }
});

test('quantiles of 480 requests, as the client and the server measured them', async () => {
  const connections = 8;
  const each = 60;
  // 1 to 50 ms to the first byte, most of them short; a few times that to the last: spread over many buckets.
  const pauses = Array.from({ length: connections * each }, (_, i) => 50 ** (((i * 37) % 101) / 100));
  const scripts = Array.from({ length: connections }, (_, c) =>
    pauses.slice(c * each, (c + 1) * each).flatMap((ms, i) => give(Math.round(ms), Math.round(ms * (i % 3))))
  );
  const port = await stage.server.listen(scripts);
  const asking = Array.from({ length: each }, () => ASK).flat();
  const client = await Promise.all(scripts.map(() => stage.client.connect(port, asking)));
  const server = await stage.server.conversations(port, connections);
  expect([...client, ...server].map(({ failure }) => failure)).toEqual(Array(2 * connections).fill(undefined));
  await stage.expectRequests({ 'GET 200': pauses.length });

  const totals = stage.collector.totals();
  const { ttfb, duration } = durations({ server, client });
  for (const [metric, bounds] of [
    ['time_to_first_byte', ttfb],
    ['request_duration', duration],
  ] as const) {
    expect([bounds.server.length, bounds.client.length]).toEqual([pauses.length, pauses.length]);
    for (const side of ['server', 'client'] as const) {
      const { count, sumSeconds, buckets } = totals.merged(`http_${side}_${metric}_seconds`);
      const average = sumSeconds / count;
      expect(average).toBeGreaterThanOrEqual(sum(bounds.server) / count);
      expect(average).toBeLessThanOrEqual(sum(bounds.client) / count);
      for (const quantile of [0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1]) {
        // Each sample lies between the two measured ones, so each rank does too.
        const [low, high] = [sampleQuantile(bounds.server, quantile), sampleQuantile(bounds.client, quantile)];
        expectWithin(quantileSeconds(buckets, quantile), low, high);
      }
    }
  }
});

test('a request is timed from its own first byte, not from when the one before it was answered', async () => {
  const { client } = await stage.conversation(
    [...give(0, 0), { pauseMs: 100 }, ...give(0, 0)],
    [...ASK, { pauseMs: 100 }, ...ASK]
  );
  const totals = await stage.collector.settle();
  const { duration } = durations({ server: [], client: [client] });
  expect(totals.merged('http_client_request_duration_seconds').sumSeconds).toBeLessThan(sum(duration.client));
  expect(sum(duration.client)).toBeLessThan(0.1);
});

test('a slow request is timed from its first byte, not from its last', async () => {
  const { client } = await stage.conversation(
    [{ receive: HEAD_END }, { receive: 'end' }, { send: HEAD + BODY }],
    [
      { send: 'PUT / HTTP/1.1\r\nContent-' },
      { pauseMs: 40 },
      { send: `Length: 6${HEAD_END}` },
      { pauseMs: 40 },
      { send: 'theend' },
      { receive: BODY },
    ]
  );
  const totals = await stage.collector.settle();
  const measured = seconds(client.sentNanoseconds[0], client.receivedNanoseconds[0]);
  for (const side of ['server', 'client']) {
    const { sumSeconds } = totals.merged(`http_${side}_request_duration_seconds`);
    expect(sumSeconds).toBeGreaterThan(0.078);
    expect(sumSeconds).toBeLessThan(measured);
  }
});

test('a request without an answer lasts until its connection ends', async () => {
  await stage.conversation(
    [{ receive: HEAD_END }, { pauseMs: 60 }, { end: true }],
    [{ send: request() }, { receiveEnd: true }]
  );
  const totals = await stage.collector.settle();
  for (const side of ['server', 'client']) {
    const { count, sumSeconds } = totals.merged(`http_${side}_request_duration_seconds`, { status: 'none' });
    expect(count).toBe(1);
    expect(sumSeconds).toBeGreaterThan(0.058);
    expect(sumSeconds).toBeLessThan(1);
  }
});

test('pipelined requests are each timed from their own first byte', async () => {
  const { client } = await stage.conversation(
    [{ receive: HEAD_END, times: 2 }, { pauseMs: 50 }, { send: (HEAD + BODY).repeat(2) }],
    [{ send: request() }, { pauseMs: 50 }, { send: request() }, { receive: BODY, times: 2 }]
  );
  const totals = await stage.collector.settle();
  const upper = client.sentNanoseconds.map((sent) => seconds(sent, client.receivedNanoseconds[1]));
  const { sumSeconds } = totals.merged('http_client_request_duration_seconds');
  expect(sumSeconds).toBeLessThan(sum(upper));
  expect(sumSeconds).toBeGreaterThan(0.145);
});
