import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createSocketServer, type Server as SocketServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DockerTimings, DockerSource } from '../../../agent/identity/docker';
import type { Place } from '../../../agent/identity/place';
import { sleep, until } from '../../support/wait';

/** Fast enough for a test, slow enough for a busy machine. */
const TIMINGS: DockerTimings = { roundMs: 60_000, timeoutMs: 300, backoffMs: 10, longestBackoffMs: 20, goneMs: 60_000 };

let folder: string;
let socketPath: string;
let servers: Array<Server | SocketServer>;
let sources: DockerSource[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringside-docker-'));
  socketPath = join(folder, 'docker.sock');
  servers = [];
  sources = [];
});

afterEach(async () => {
  await Promise.all(sources.map((source) => source.stop()));
  await Promise.all(servers.map(close));
  rmSync(folder, { recursive: true });
});

const id = (digit: number | string) => String(digit).repeat(64).slice(0, 64);
const at = (containerId: string): Place => ({ path: `/docker/${containerId}`, containerId });

function start(socket = socketPath, options: ConstructorParameters<typeof DockerSource>[1] = {}): DockerSource {
  const source = new DockerSource(socket, { ...TIMINGS, ...options });
  sources.push(source);
  source.start();
  return source;
}

const becomes = (source: DockerSource, state: string) =>
  until(
    () => `${state}; it is ${JSON.stringify(source.status)}`,
    () => source.status.state === state
  );

/** An engine as Docker answers, with containers and events of the test's choosing. */
class FakeEngine {
  readonly asked: URL[] = [];
  readonly streams = new Set<ServerResponse>();
  #containers: object[];

  constructor(...containers: object[]) {
    this.#containers = containers;
  }

  set containers(containers: object[]) {
    this.#containers = containers;
  }

  readonly answer: RequestListener = (request, response) => {
    const url = new URL(request.url!, 'http://localhost');
    this.asked.push(url);
    if (url.pathname === '/containers/json') {
      response.end(JSON.stringify(this.#containers));
    } else {
      this.streams.add(response.on('close', () => this.streams.delete(response)));
      response.flushHeaders();
    }
  };

  async say(...events: Array<object | string>): Promise<void> {
    await until('a listener', () => this.streams.size > 0);
    for (const event of events) {
      this.streams.forEach((stream) => stream.write(typeof event === 'string' ? event : `${JSON.stringify(event)}\n`));
    }
  }
}

const event = (Action: string, ID: string, Attributes: object = {}, Type = 'container') => ({
  status: Action,
  Type,
  Action,
  Actor: { ID, Attributes },
  time: 1_790_000_000,
});

async function serve(answer: RequestListener): Promise<Server> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  return server;
}

async function close(server: Server | SocketServer): Promise<void> {
  if ('closeAllConnections' in server) {
    server.closeAllConnections();
  }
  await new Promise((resolve) => server.close(resolve));
}

it('names the containers that are there', async () => {
  const engine = new FakeEngine(
    { Id: id(1), Names: ['/proxy/alias', '/web'], Labels: null },
    {
      Id: id(2),
      Names: ['/shop-cart-1'],
      Labels: { 'com.docker.compose.project': 'shop', 'com.docker.compose.service': 'cart' },
    },
    { Id: id(3), Names: ['/quiet'], Labels: { 'ringside.io/observe': 'false' } }
  );
  await serve(engine.answer);
  const source = start();
  expect(source.status).toEqual({ state: 'connecting', reason: expect.stringMatching(/\.$/), known: 0 });
  await becomes(source, 'ready');
  expect(source.status).toEqual({ state: 'ready', reason: '', known: 3 });
  expect(source.identify(at(id(1)))).toEqual({ container: 'web', workload: 'web' });
  expect(source.identify(at(id(2)))).toEqual({ namespace: 'shop', container: 'shop-cart-1', workload: 'cart' });
  expect(source.identify(at(id(3)))).toEqual({ container: 'quiet', workload: 'quiet', observe: false });
  expect(source.identify(at(id(4)))).toBeUndefined();
  expect(source.identify({ path: '/system.slice/nginx.service', unit: 'nginx' })).toBeUndefined();
  // Kubernetes' own, though Docker runs it.
  expect(source.identify({ ...at(id(1)), podUid: '2fc932ce-fdcc-454b-97bd-aadfdeb4c340' })).toBeUndefined();
});

it('asks only for containers that have processes or are about to, and for events since then', async () => {
  const engine = new FakeEngine();
  await serve(engine.answer);
  const startedSeconds = Math.floor(Date.now() / 1000);
  await becomes(start(), 'ready');
  const [list, events] = await until('both questions', () => engine.asked.length === 2 && engine.asked);
  expect(JSON.parse(list.searchParams.get('filters')!)).toEqual({
    status: ['created', 'running', 'paused'],
  });
  expect(Number(events.searchParams.get('since'))).toBeGreaterThanOrEqual(startedSeconds);
  expect(Number(events.searchParams.get('since'))).toBeLessThanOrEqual(Date.now() / 1000);
});

it('follows what becomes of containers, and tells of each change once', async () => {
  const engine = new FakeEngine({ Id: id(1), Names: ['/web'] });
  await serve(engine.answer);
  const source = start();
  let changes = 0;
  source.onChange(() => changes++);
  await becomes(source, 'ready');
  expect(changes).toBe(1);

  await engine.say(event('create', id(2), { name: 'db', image: 'postgres', 'com.docker.compose.service': 'store' }));
  await until('the new one', () => source.identify(at(id(2))));
  expect(source.identify(at(id(2)))).toEqual({ container: 'db', workload: 'store' });
  await engine.say(event('start', id(2), { name: 'db', image: 'postgres', 'com.docker.compose.service': 'store' }));
  await engine.say(event('rename', id(1), { name: 'www', oldName: '/web' }));
  await until('the new name', () => source.identify(at(id(1)))?.container === 'www');
  expect(changes).toBe(3);

  await engine.say(event('destroy', id(1), { name: 'www' }), event('remove', id(2), { name: 'db' }));
  await until('both to be gone', () => source.status.known === 0);
  // Traffic of their last second may be read later.
  expect(source.identify(at(id(1)))?.container).toBe('www');
  expect(source.identify(at(id(2)))?.container).toBe('db');
});

it('lists again from time to time, and repairs what it missed', async () => {
  const engine = new FakeEngine({ Id: id(1), Names: ['/web'] }, { Id: id(2), Names: ['/db'] });
  await serve(engine.answer);
  const source = start(socketPath, { roundMs: 50 });
  await becomes(source, 'ready');
  engine.containers = [
    { Id: id(1), Names: ['/www'] },
    { Id: id(3), Names: ['/cache'] },
  ];
  await until('the new list', () => source.identify(at(id(3))));
  expect(source.identify(at(id(1)))?.container).toBe('www');
  expect(source.identify(at(id(2)))?.container).toBe('db');
  expect(source.status).toEqual({ state: 'ready', reason: '', known: 2 });
});

it('forgets the removed after a while, and the oldest of them when they are many', async () => {
  const engine = new FakeEngine();
  await serve(engine.answer);
  const source = start(socketPath, { goneMs: 200 });
  await engine.say(event('create', id(1), { name: 'one' }), event('destroy', id(1)));
  await until('it to come and go', () => source.identify(at(id(1))));
  await sleep(250);
  await engine.say(event('create', id(2), { name: 'two' }), event('destroy', id(2)));
  await until('the first to be forgotten', () => source.identify(at(id(1))) === undefined);
  expect(source.identify(at(id(2)))?.container).toBe('two');

  const many = Array.from({ length: 1_001 }, (_, index) => id(`a${String(index).padStart(4, '0')}`));
  await engine.say(...many.flatMap((each) => [event('create', each, { name: each }), event('destroy', each)]));
  await until('all of them', () => source.identify(at(many.at(-1)!)));
  expect(source.identify(at(id(2)))).toBeUndefined();
});

it('names 5,000 containers and no more', async () => {
  const containers = Array.from({ length: 5_003 }, (_, index) => ({
    Id: id(`b${String(index).padStart(4, '0')}`),
    Names: [`/c${index}`],
  }));
  await serve(new FakeEngine(...containers).answer);
  const source = start();
  await becomes(source, 'ready');
  expect(source.status.known).toBe(5_000);
});

it('cleans and cuts every name', async () => {
  const hostile = `\u001B[2Jevil\n\u202E${'x'.repeat(1_000)}`;
  const labels = { 'com.docker.compose.project': hostile, 'com.docker.compose.service': hostile };
  const engine = new FakeEngine({ Id: id(1), Names: [`/${hostile}`], Labels: labels });
  await serve(engine.answer);
  const source = start();
  await becomes(source, 'ready');
  const identity = source.identify(at(id(1)))!;
  for (const name of [identity.namespace, identity.container, identity.workload]) {
    expect(name).toMatch(/^\uFFFD\[2Jevil\uFFFD\uFFFDx+…$/);
    expect(name).toHaveLength(253);
  }
});

it('takes no notice of what it does not understand', async () => {
  const nonsense = [
    null,
    7,
    [],
    {},
    { Id: 'short', Names: ['/a'] },
    { Id: id(1) },
    { Id: id(1), Names: 'web' },
    { Id: id(1), Names: [7, '', '/'] },
    { Id: [id(1)], Names: ['/web'] },
  ] as object[];
  const engine = new FakeEngine(...nonsense, {
    Id: id(2),
    Names: ['/good'],
    Labels: { 'com.docker.compose.service': 7 },
  });
  await serve(engine.answer);
  const source = start();
  await becomes(source, 'ready');
  expect(source.status.known).toBe(1);
  expect(source.identify(at(id(2)))).toEqual({ container: 'good', workload: 'good' });
  await engine.say(
    '\n\n7\n[]\n"text"\nnull\n',
    event('create', 'short', { name: 'a' }),
    event('create', id(3), {}),
    event('create', id(3), { name: 7 }),
    event('create', id(3), { name: 'network' }, 'network'),
    event('exec_create: sh', id(3), { name: 'a' }),
    event('create', id(4), { name: 'next' })
  );
  await until('the good event', () => source.identify(at(id(4))));
  expect(source.identify(at(id(3)))).toBeUndefined();
  expect(source.status.state).toBe('ready');
});

it('puts events together that come in pieces, and leaves out one of an absurd size', async () => {
  const engine = new FakeEngine();
  await serve(engine.answer);
  const source = start();
  const whole = `${JSON.stringify(event('create', id(1), { name: 'naïve' }))}\n`;
  const split = whole.indexOf('ï') + 1;
  await until('a listener', () => engine.streams.size > 0);
  const [stream] = engine.streams;
  const bytes = Buffer.from(whole);
  stream.write(bytes.subarray(0, split));
  await sleep(20);
  stream.write(bytes.subarray(split));
  await until('it', () => source.identify(at(id(1))));
  expect(source.identify(at(id(1)))?.container).toBe('naïve');
  await engine.say(event('create', id(2), { name: 'x'.repeat(2 ** 20) }), event('create', id(3), { name: 'next' }));
  await until('the one after it', () => source.identify(at(id(3))));
  expect(source.identify(at(id(2)))).toBeUndefined();
  expect(source.status.state).toBe('ready');
});

it('comes back when the engine does, with what it knew in the meantime', async () => {
  const engine = new FakeEngine({ Id: id(1), Names: ['/web'] });
  const server = await serve(engine.answer);
  const source = start();
  await becomes(source, 'ready');
  await until('the stream', () => engine.streams.size > 0);
  await close(server);
  await becomes(source, 'failing');
  await until('the refusal', () => source.status.reason.includes('no socket'));
  expect(source.identify(at(id(1)))?.container).toBe('web');
  engine.containers = [{ Id: id(2), Names: ['/db'] }];
  await serve(engine.answer);
  await becomes(source, 'ready');
  expect(source.identify(at(id(2)))?.container).toBe('db');
  expect(source.identify(at(id(1)))?.container).toBe('web');
});

describe('faults', () => {
  it.each<[string, RequestListener, RegExp]>([
    ['never answers', () => {}, /did not answer within 0\.3 s/],
    [
      'stops in the middle of the list',
      (_request, response) => void response.write('['),
      /did not answer within 0\.3 s/,
    ],
    ['hangs up', (request) => void request.socket.destroy(), /hung up/],
    [
      'hangs up in the middle of the list',
      (request, response) => {
        response.writeHead(200, { 'content-length': 100 });
        response.write('[', () => request.socket.destroy());
      },
      /hung up/,
    ],
    [
      'says no',
      (_request, response) => void response.writeHead(403).end('{"message":"no"}'),
      /\/containers\/json with status 403: "\{"message":"no"\}"\.$/,
    ],
    [
      'does not speak JSON',
      (_request, response) => void response.end('<html>\u001B[2J'),
      /a list was asked for, and "<html>\uFFFD\[2J" came/,
    ],
    ['has no list', (_request, response) => void response.end('{}'), /a list was asked for/],
    [
      'never ends',
      (_request, response) => {
        const more = () => response.write('x'.repeat(2 ** 20), () => !response.destroyed && setImmediate(more));
        more();
      },
      /more to say about its containers than 8388608 bytes/,
    ],
    [
      'speaks of nothing but garbage later',
      (request, response) => {
        response.write(request.url!.startsWith('/events') ? '{"Type":\n' : '[]');
        if (!request.url!.startsWith('/events')) {
          response.end();
        }
      },
      /API: it is not JSON/,
    ],
    [
      'ends its events',
      (request, response) => void response.end(request.url!.startsWith('/events') ? '' : '[]'),
      /ended its stream/,
    ],
  ])('survives an engine that %s, says so, and asks again', async (_what, answer, reason) => {
    const engine = new FakeEngine({ Id: id(1), Names: ['/web'] });
    let well = false;
    let questions = 0;
    await serve((request, response) => {
      questions++;
      (well ? engine.answer : answer)(request, response);
    });
    // It may recover between its answers: what it left out of the list is repaired by the next.
    const source = start(socketPath, { roundMs: 200 });
    await until(
      () => `${reason}; it says ${source.status.reason}`,
      () => source.status.state === 'failing' && reason.test(source.status.reason)
    );
    expect(source.status.reason).toContain(socketPath);
    expect(source.status.reason).toMatch(/\.$/);
    const before = questions;
    await until('another try', () => questions > before);
    well = true;
    await until('its recovery', () => source.identify(at(id(1))));
    await becomes(source, 'ready');
  });

  it('survives what is not even HTTP', async () => {
    const server = createSocketServer((socket) =>
      socket
        .resume()
        .on('error', () => {})
        .end('SSH-2.0-OpenSSH_9.2\r\n')
    );
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(socketPath, resolve));
    const source = start();
    await becomes(source, 'failing');
    expect(source.status.reason).toMatch(/does not speak Docker's Engine API: HTTP was expected \(HPE_/);
  });

  it('says what to do about a socket that is not there, or that nobody listens on', async () => {
    const source = start();
    await becomes(source, 'failing');
    expect(source.status.reason).toBe(
      `There is no socket ${socketPath}: start the engine, mount its socket if the agent is in a container, or start ` +
        'the agent with --docker off.'
    );
    writeFileSync(socketPath, '');
    await until('the refusal', () => source.status.reason.startsWith('Nothing listens on the socket'));
  });

  it('waits longer and longer', async () => {
    const random = jest.spyOn(Math, 'random').mockReturnValue(0.5);
    const askedMs: number[] = [];
    await serve((request) => {
      askedMs.push(performance.now());
      request.socket.destroy();
    });
    start(socketPath, { backoffMs: 20, longestBackoffMs: 160 });
    await until('some tries', () => askedMs.length >= 7);
    random.mockRestore();
    const waitedMs = askedMs.slice(1).map((timeMs, index) => timeMs - askedMs[index]);
    // Half of 20, 40, 80 and three times 160.
    [10, 20, 40, 80, 80, 80].forEach((leastMs, index) => expect(waitedMs[index]).toBeGreaterThan(leastMs - 2));
  });
});

describe('auto', () => {
  it('is off without an engine, says so, and finds one that comes later', async () => {
    const source = start('auto', { sockets: [join(folder, 'other.sock'), socketPath], roundMs: 20 });
    await becomes(source, 'off');
    expect(source.status.reason).toBe(
      `There is no container engine at ${folder}/other.sock nor ${socketPath}: containers outside Kubernetes show ` +
        'their ids.'
    );
    await serve(new FakeEngine({ Id: id(1), Names: ['/web'] }).answer);
    await becomes(source, 'ready');
    expect(source.identify(at(id(1)))?.container).toBe('web');
  });
});

it('stops at once, whatever is under way, and leaves no connection', async () => {
  const engine = new FakeEngine();
  await serve(engine.answer);
  const following = start();
  await until('the stream', () => engine.streams.size > 0);
  const waiting = start('auto', { sockets: [join(folder, 'none')] });
  const never = start(join(folder, 'nobody'), { backoffMs: 60_000, longestBackoffMs: 60_000 });
  await becomes(waiting, 'off');
  await becomes(never, 'failing');
  const startedMs = performance.now();
  await Promise.all([following, waiting, never].map((source) => source.stop()));
  expect(performance.now() - startedMs).toBeLessThan(1_000);
  await until('the stream to be closed', () => engine.streams.size === 0);
  expect(following.status.state).toBe('ready');
});
