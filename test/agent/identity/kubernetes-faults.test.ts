/** Everything that goes wrong between an agent and an API server, seen from the outside: what is known, and what is said. */
import { copyFileSync } from 'node:fs';
import { KubernetesPods, type KubernetesPodsOptions } from '../../../agent/identity/kubernetes/kubernetes-pods';
import { ApiServer, podObject, type ApiServerOptions, type PodSketch } from '../../support/api-server';
import { sleep, until } from '../../support/wait';

const NODE = 'node-1';
/** Attempts follow each other quickly; whatever waits longer than these says so. */
const TIMING = { backoff: { minMs: 10, maxMs: 50 }, answerMs: 4_000, silenceMs: 60_000, goodWatchMs: 50 };
const IMPATIENT = { ...TIMING, answerMs: 300 };

let server: ApiServer;
let source: KubernetesPods;
let log: string[];

beforeEach(async () => {
  server = await ApiServer.start();
  log = [];
});
afterEach(async () => {
  await source?.stop();
  await server.stop();
});

function begin(options: Partial<KubernetesPodsOptions> = {}): KubernetesPods {
  const { url, caFile, tokenFile } = server;
  const onLog = (sentence: string) => log.push(sentence);
  source = new KubernetesPods({ url, caFile, tokenFile, node: NODE, onLog, timing: TIMING, ...options });
  source.start();
  return source;
}

const uidOf = (name: string) => `0000-${name}`;
const add = (name: string, rest: Partial<PodSketch> = {}) =>
  server.upsertPod(podObject({ uid: uidOf(name), name, node: NODE, ...rest }));
const knows = (name: string) => source.identify({ path: '/', podUid: uidOf(name) })?.pod === name;
const ready = () =>
  until(
    () => `ready: ${source.status.reason}`,
    () => source.status.state === 'ready'
  );
/** By what was logged: the next attempt may come, and work, before anybody looks at the status. */
const failing = (words: string) =>
  until(
    () => `a failure with "${words}": ${JSON.stringify([source.status, log])}`,
    () => log.some((sentence) => sentence.includes(words))
  );
const known = (name: string) =>
  until(
    () => `${name}: ${JSON.stringify(source.status)}`,
    () => knows(name)
  );
const watched = () => until('a watch', () => server.watching === 1);
const lists = () => server.requests.filter(({ verb }) => verb === 'list').length;

it('knows the pods of its node, and hears of each that comes, changes and goes', async () => {
  add('first');
  add('elsewhere', { node: 'node-2' });
  begin();
  expect(source.status).toEqual({ state: 'connecting', reason: `${server.url} has not answered yet.`, known: 0 });
  await ready();
  expect(source.status).toEqual({ state: 'ready', reason: '', known: 1 });
  expect(knows('elsewhere')).toBe(false);
  let changes = 0;
  source.onChange(() => changes++);
  add('second');
  await known('second');
  expect(changes).toBe(1);
  server.deletePod(uidOf('first'));
  await until('one pod', () => source.status.known === 1);
  // Its traffic may be read later.
  expect(knows('first')).toBe(true);
});

describe('the list', () => {
  it('is read from the memory of the server, at the start', async () => {
    begin();
    await watched();
    expect(server.requests[0].query).toEqual({
      fieldSelector: `spec.nodeName=${NODE}`,
      limit: '500',
      resourceVersion: '0',
    });
  });

  it('comes page by page where the server wants it so', async () => {
    await restart({ cache: false });
    const names = Array.from({ length: 23 }, (_, i) => `pod-${i}`);
    names.forEach((name) => add(name));
    begin({ pageSize: 5 });
    await ready();
    expect(names.filter((name) => !knows(name))).toEqual([]);
    expect(source.status.known).toBe(23);
    expect(lists()).toBe(5);
  });

  it('begins anew, all at once, when its pages expire half-way', async () => {
    await restart({ cache: false });
    const names = Array.from({ length: 7 }, (_, i) => `pod-${i}`);
    names.forEach((name) => add(name));
    server.fault({ on: 'continue', times: 1, delayMs: 50 });
    begin({ pageSize: 3 });
    await until('the second page', () => lists() === 1);
    server.deletePod(uidOf('pod-0'));
    server.compact();
    await ready();
    expect(source.status.known).toBe(6);
    expect(server.requests.map(({ status, query }) => [status, query.limit])).toEqual([
      [200, '3'],
      [410, '3'],
      [200, undefined],
    ]);
  });

  it('takes away what was deleted while nobody listened', async () => {
    add('stays');
    add('goes');
    begin();
    await watched();
    await server.down();
    server.deletePod(uidOf('goes'));
    add('new');
    server.compact();
    await server.up();
    await known('new');
    await until('two pods', () => source.status.known === 2);
    expect(knows('goes')).toBe(true);
  });
});

describe('the watch', () => {
  it('goes on where it was cut, and misses nothing', async () => {
    begin();
    await watched();
    server.cut();
    for (let i = 0; i < 10; i++) {
      add(`pod-${i}`);
      server.cut();
    }
    await known('pod-9');
    expect(source.status.known).toBe(10);
    expect(lists()).toBe(1);
    await ready();
  });

  it('goes on where half a line was cut off', async () => {
    begin();
    await watched();
    add('whole');
    await known('whole');
    server.send('{"type":"ADDED","object":{"metadata":{"uid":"');
    server.cut();
    add('next');
    await known('next');
    await ready();
    expect([source.status.known, lists()]).toEqual([2, 1]);
  });

  it('is opened again, from the last bookmark, when the server ends it', async () => {
    begin();
    await watched();
    server.advance(100);
    server.sendBookmark();
    const version = String(server.version);
    await sleep(TIMING.goodWatchMs);
    server.compact();
    server.endWatches();
    const again = await until('another watch', () => server.watching === 1 && server.requests.length === 2);
    expect(again).toBe(true);
    add('later');
    await known('later');
    server.endWatches();
    await until('its request', () => server.requests.length === 3);
    expect(server.requests[2].query).toMatchObject({
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: version,
    });
    expect(lists()).toBe(1);
    expect(log.filter((line) => !line.includes('tells the names'))).toEqual([]);
  });

  it('asks the server for an end within 5 to 10 minutes, each time another', async () => {
    begin();
    for (let i = 1; i <= 3; i++) {
      await watched();
      server.endWatches();
      await until('the end', () => server.requests.length > i);
    }
    const seconds = server.requests.slice(1).map(({ query }) => Number(query.timeoutSeconds));
    seconds.forEach((each) => expect(each).toBeGreaterThanOrEqual(300));
    seconds.forEach((each) => expect(each).toBeLessThanOrEqual(600));
    expect(new Set(seconds).size).toBeGreaterThan(1);
  });

  it('begins with a list when the server has forgotten the version: told as an event', async () => {
    add('first');
    begin();
    await watched();
    await server.down();
    add('missed');
    server.compact();
    await server.up();
    await known('missed');
    await ready();
    // Not from memory, which might be as old as what we know.
    expect(server.requests.filter(({ verb }) => verb === 'list').at(-1)?.query).not.toHaveProperty('resourceVersion');
    expect(knows('first')).toBe(true);
  });

  it('begins with a list when the server has forgotten the version: told as a status', async () => {
    begin();
    await watched();
    server.fault({ on: 'watch', times: 1, status: 410, reason: 'Gone', message: 'gone' });
    server.cut();
    await until('another list', () => lists() === 2);
    await ready();
  });

  it('begins with a list when the server was put back in time', async () => {
    begin();
    await watched();
    await server.down();
    add('restored');
    server.restore();
    await server.up();
    await known('restored');
    await ready();
  });

  it('goes on after an error that has nothing to do with the version', async () => {
    begin();
    await watched();
    server.sendError(500, 'InternalError', 'etcdserver: no leader');
    await failing('etcdserver: no leader');
    await ready();
    add('after');
    await known('after');
    expect(lists()).toBe(1);
  });

  it('is opened anew when it has said nothing for too long', async () => {
    begin({ timing: { ...TIMING, silenceMs: 100 } });
    await watched();
    server.stallWatches();
    add('unheard');
    await known('unheard');
    // A connection that was good all the time is no failure.
    expect(log).toEqual([expect.stringContaining('tells the names')]);
    expect(lists()).toBe(1);
  });

  it('is left open as long as there are bookmarks', async () => {
    await restart({ bookmarkMs: 20 });
    begin({ timing: { ...TIMING, silenceMs: 500 } });
    await watched();
    await sleep(1_200);
    expect([server.watching, server.requests.length]).toEqual([1, 1]);
  });
});

describe('a server that cannot be reached', () => {
  it('is asked again until it is there; the pods that are known stay known', async () => {
    add('first');
    begin();
    await watched();
    await server.down();
    await failing('Nothing listens');
    expect(source.status).toEqual({
      state: 'failing',
      reason: `Nothing listens on ${server.url} (ECONNREFUSED).`,
      known: 1,
    });
    expect(knows('first')).toBe(true);
    await server.up();
    add('second');
    await known('second');
    await ready();
    expect(lists()).toBe(1);
    expect(log.at(-1)).toContain('tells the names');
  });

  it('is not waited for when it takes the question and never answers', async () => {
    server.fault({ stall: true });
    begin({ timing: IMPATIENT });
    await failing('has not answered for 0.3 s');
    server.heal();
    await ready();
  });

  it('is waited for when it is only slow', async () => {
    add('first');
    server.fault({ delayMs: 200 });
    begin();
    await ready();
    expect(knows('first')).toBe(true);
    expect(log).toEqual([expect.stringContaining('tells the names')]);
  });

  it('is not waited for when it stops in the middle of a list', async () => {
    add('first');
    server.fault({ on: 'list', text: '{"kind":"PodList","items":[', endless: true, times: 1 });
    begin({ timing: IMPATIENT });
    await failing(`${server.url} has not sent anything for 0.3 s.`);
    await ready();
    expect(knows('first')).toBe(true);
  });

  it('is not waited for when it sends a list forever', async () => {
    server.fault({ on: 'list', text: '{"kind":"PodList","items":[', endless: true, times: 1 });
    begin({ timing: { ...TIMING, listMs: 100 } });
    await failing(`The answer of ${server.url} was not complete after 0.1 s.`);
    await ready();
  });

  it('that closes without an answer is named', async () => {
    server.fault({ cut: true, times: 2 });
    begin();
    await failing('cut the connection');
    await ready();
  });

  it('by its name is named', async () => {
    begin({ url: 'https://no-such-host.invalid:6443' });
    await failing('The host of https://no-such-host.invalid:6443 has no address');
  });
});

describe('a server that refuses', () => {
  it('an expired token: the file is read again at once', async () => {
    begin();
    await watched();
    server.rotateToken();
    server.cut();
    add('after');
    await known('after');
    expect(server.requests.filter(({ status }) => status === 401)).toEqual([]);
  });

  it('a token: asks once more at once, and not in a circle', async () => {
    const timing = { ...TIMING, backoff: { minMs: 60_000, maxMs: 60_000, random: () => 1 } };
    server.fault({ status: 401, times: 1 });
    begin({ timing });
    await ready();
    await source.stop();
    server.fault({ status: 401 });
    const before = server.requests.length;
    begin({ timing });
    await until('two questions', () => server.requests.length === before + 2);
    await sleep(100);
    expect(server.requests).toHaveLength(before + 2);
    expect(source.status.state).toBe('failing');
  });

  it('a token whose successor is not in the file yet: it is read before each attempt', async () => {
    add('first');
    begin();
    await watched();
    const next = server.rotateToken({ inFile: false });
    server.cut();
    await failing(`does not accept the token in ${server.tokenFile} (401: Unauthorized)`);
    expect(knows('first')).toBe(true);
    server.writeToken(next);
    await ready();
  });

  it('a question without a token', async () => {
    begin({ tokenFile: undefined });
    await failing("asks for a token (401); give a service account's with --kubernetes-token-file.");
  });

  it.each([
    ['list', 'may not list pods'],
    ['watch', 'may not watch pods'],
  ] as const)('for want of a permission to %s', async (verb, words) => {
    const message = `pods is forbidden: User "system:serviceaccount:ringside:agent" cannot ${verb} resource "pods"`;
    server.fault({ on: verb, status: 403, reason: 'Forbidden', message });
    begin();
    await failing(words);
    expect(source.status.reason).toBe(
      `The agent ${words} (403: ${message}); ` +
        'bind its service account to a ClusterRole with the verbs list and watch on pods.'
    );
    server.heal();
    await ready();
  });

  it.each([429, 503])('because it is busy (%i): for as long as it asks to be left alone', async (status) => {
    server.fault({
      status,
      times: 1,
      message: 'Too many requests, please try again later.',
      headers: { 'retry-after': '1' },
    });
    const startMs = performance.now();
    begin();
    await failing(`is overloaded or starting (${status}: Too many requests`);
    await ready();
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(1_000);
  });

  it('with a redirect', async () => {
    server.fault({ status: 302, headers: { location: 'https://login.example/' } });
    begin();
    await failing('answers with a redirect (302): it is not an API server.');
  });

  it('in words that would run in a terminal', async () => {
    server.fault({ status: 500, message: `\u001b[2J${'x'.repeat(10_000)}` });
    begin();
    await failing('answers with 500: \uFFFD[2Jxxx');
    expect(source.status.reason.length).toBeLessThan(500);
  });
});

describe('credentials', () => {
  it('an authority that signed something else: says what to give', async () => {
    const other = await ApiServer.start();
    begin({ caFile: other.caFile });
    await failing(`The certificate of ${server.url} is not signed by the authority in ${other.caFile}`);
    expect(source.status.reason).toContain('--kubernetes-ca-file');
    await other.stop();
  });

  it("no authority: those of the system do not know the cluster's", async () => {
    begin({ caFile: undefined });
    await failing('is not signed by the authorities that this system trusts');
  });

  it('a certificate for another host', async () => {
    begin({ url: server.url.replace('127.0.0.1', '127.0.0.2') });
    // Nothing listens there, unless the server listens everywhere.
    await failing('127.0.0.2');
    await source.stop();
    await restart({ host: '0.0.0.0' });
    begin({ url: server.url.replace('0.0.0.0', '127.0.0.2') });
    await failing('is for another host');
  });

  it.each(['tokenFile', 'caFile'] as const)('a %s that is not there yet', async (option) => {
    const path = `${server[option]}.later`;
    begin({ [option]: path });
    await failing(`${path} cannot be read (ENOENT)`);
    copyFileSync(server[option], path);
    await ready();
  });

  it.each([
    ['', 'is empty'],
    ['two words', 'has more than one word'],
  ])('a token file with "%s"', async (text, words) => {
    server.writeToken(text);
    begin();
    await failing(words);
  });

  it('a certificate authority that is replaced, together with the certificate', async () => {
    begin();
    await watched();
    server.rotateCertificates();
    server.cut();
    add('after');
    await known('after');
    await ready();
  });
});

describe('a server that sends something else', () => {
  it.each([
    ['a page of HTML', '<html>Sign in</html>'],
    ['half a list', '{"kind":"PodList","metadata":{"resourceVersion":"5"},"items":[{"metadata":{"uid":"x"'],
    ['nothing', ''],
    ['a list without a version', '{"kind":"PodList","metadata":{},"items":[]}'],
    ['JSON that is no list', '"pods"'],
    ['pods that are none', '{"items":[1,null,"x",[],{"metadata":7}]}'],
  ])('for a list: %s', async (_what, text) => {
    add('first');
    server.fault({ on: 'list', text, times: 2 });
    begin();
    await failing('is not a list of pods');
    await ready();
    expect([knows('first'), source.status.known]).toEqual([true, 1]);
  });

  it.each([
    ['garbage', 'garbage\n'],
    ['an event of nothing', '{}\n'],
    ['an event without an object', '{"type":"ADDED"}\n'],
    ['null', 'null\n'],
  ])('for a watch: %s', async (_what, text) => {
    add('first');
    begin();
    await watched();
    server.send(text);
    await failing('is not a list of pods');
    expect(knows('first')).toBe(true);
    add('after');
    await known('after');
    await ready();
    expect(lists()).toBe(1);
  });

  it('at every attempt from one version on: begins with a list', async () => {
    begin();
    await watched();
    server.fault({ on: 'watch', text: 'garbage\n', times: 3 });
    server.cut();
    await until('another list', () => lists() === 2);
    add('after');
    await known('after');
  });

  it('an empty line, and kinds of events that are not invented yet', async () => {
    begin();
    await watched();
    server.send('\n\r\n{"type":"REMEMBERED","object":{"metadata":{"resourceVersion":"1000"}}}\n');
    add('after');
    await known('after');
    expect(source.status.state).toBe('ready');
  });

  it('a line of 100 MB: it is left out, and held at no time', async () => {
    begin();
    await watched();
    const before = process.memoryUsage().rss;
    let most = 0;
    const mebibyte = 'x'.repeat(1024 * 1024);
    server.send('{"type":"ADDED","object":"');
    for (let i = 0; i < 100; i++) {
      server.send(mebibyte);
      await sleep(1);
      most = Math.max(most, process.memoryUsage().rss - before);
    }
    server.send('"}\n');
    add('after');
    await known('after');
    expect(log).toContain(`${server.url} sent a pod of more than 4 MiB, which is left out.`);
    // The server's half of the way is in this process too.
    expect(most).toBeLessThan(90 * 1024 * 1024);
    expect(lists()).toBe(1);
  });

  it('a pod of 6 MB in the list: all others are known', async () => {
    add('a');
    add('b', { annotations: { note: 'x'.repeat(6_000_000) } });
    add('c');
    begin();
    await ready();
    expect(['a', 'b', 'c'].map(knows)).toEqual([true, false, true]);
  });
});

describe('the end', () => {
  const TIMERS = ['Timeout', 'TLSWrap', 'TCPSocketWrap'];
  const held = () => process.getActiveResourcesInfo().filter((kind) => TIMERS.includes(kind)).length;

  it.each([
    ['before it began', () => {}],
    ['while it connects', () => void begin()],
    ['during a watch', async () => (begin(), await watched())],
    [
      'while it waits for an answer',
      async () => {
        server.fault({ stall: true });
        begin();
        await until('a connection', () => server.connections === 1);
      },
    ],
    [
      'while it waits for the next attempt',
      async () => {
        server.fault({ status: 503, headers: { 'retry-after': '60' } });
        begin();
        await failing('overloaded');
      },
    ],
  ])('leaves nothing behind: %s', async (_when, act) => {
    const before = held();
    source = new KubernetesPods({ url: server.url, node: NODE });
    await act();
    const stopMs = performance.now();
    await source.stop();
    expect(performance.now() - stopMs).toBeLessThan(1_000);
    await until('all to be closed', () => server.connections === 0 && held() <= before);
    const { length } = server.requests;
    await sleep(60);
    expect(server.requests).toHaveLength(length);
    add('later');
    expect(knows('later')).toBe(false);
  });

  it('keeps the names', async () => {
    add('first');
    begin();
    await ready();
    await source.stop();
    expect(knows('first')).toBe(true);
  });
});

/** The server anew, with other options. */
async function restart(options: ApiServerOptions): Promise<void> {
  await server.stop();
  server = await ApiServer.start(options);
}
