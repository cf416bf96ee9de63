/**
 * Over a network that loses, doubles and reorders segments: nothing is counted twice, nothing is missed.
 *
 * Where a packet is lost decides who saw it: dropped on its way in, the sender has seen it go out and sees it again;
 * dropped on its way out, neither has seen it, and what follows is early on both sides.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Netns } from '../support/netns';
import { Nginx } from '../support/nginx';
import type { LoadRequest } from '../support/script';
import { countsOf, Stage } from '../support/stage';
import { until } from '../support/wait';

jest.setTimeout(120_000);

let client: Netns;
let server: Netns;
let stage: Stage;
let nginx: Nginx;
let logged = 0;

beforeAll(async () => {
  [client, server] = Netns.pair();
  for (const end of [client, server]) {
    end.segmentsOnly();
  }
  stage = await Stage.open({ clientNetns: client.name, serverNetns: server.name });
  nginx = await Nginx.start(stage.serverCgroup, { netns: server.name, hosts: [server.ipv4, server.ipv6] });
  writeFileSync(join(nginx.folder, 'files/20k'), Buffer.alloc(20_000, 'HTTP/1.1 500 No\r\n\r\nGET / HTTP/1.1\r\n\r\n'));
});

afterEach(() => {
  client?.flush();
  server?.flush();
});

afterAll(async () => {
  await stage?.close();
  await nginx?.remove();
  client?.remove();
  server?.remove();
});

const REQUESTS: LoadRequest[] = Array.from({ length: 311 }, (_, i) => {
  const kinds: LoadRequest[] = [
    { method: 'GET', path: '/files/20k' },
    { method: 'PUT', path: `/files/up-${i}`, bodyBytes: 20_000 },
    { method: 'POST', path: '/status/503', bodyBytes: 3_000 },
    { method: 'HEAD', path: '/files/20k' },
    { method: 'DELETE', path: '/status/204' },
    { method: 'GET', path: '/status/404' },
  ];
  return kinds[i % kinds.length];
});

async function exchange(host: string, options: { keepAlive: boolean }) {
  const load = { host, port: nginx.port, requests: REQUESTS, concurrency: 12, ...options };
  const answers = await stage.client.requests(load);
  expect(answers.filter(({ status }) => status === 0)).toEqual([]);
  await until('the log to be written', () => nginx.log().length >= logged + REQUESTS.length);
  const log = nginx.log().slice(logged);
  logged += log.length;
  expect(log).toHaveLength(REQUESTS.length);
  await stage.expectRequests(countsOf(log));
}

const share = (percent: number) => `meta l4proto tcp numgen random mod 100 < ${percent}`;

describe.each([
  ['kept-alive connections', { keepAlive: true }],
  ['a connection a request', { keepAlive: false }],
])('%s', (_, options) => {
  test('of the packets to the server 5 % are lost on their way in', async () => {
    server.rule('input', `${share(5)} drop`);
    await exchange(server.ipv4, options);
    expect(retransmits(client)).toBeGreaterThan(0);
  });

  test('of the packets to the client 5 % are lost on their way in', async () => {
    client.rule('input', `${share(5)} drop`);
    await exchange(server.ipv4, options);
    expect(retransmits(server)).toBeGreaterThan(0);
  });

  test('of all packets 3 % are lost on their way out', async () => {
    client.rule('output', `${share(3)} drop`);
    server.rule('output', `${share(3)} drop`);
    await exchange(server.ipv4, options);
  });

  test('both ways over IPv6', async () => {
    client.rule('input', `${share(3)} drop`);
    server.rule('input', `${share(3)} drop`);
    await exchange(server.ipv6, options);
  });

  test('of the packets both ways 20 % come twice', async () => {
    for (const [from, to] of [
      [client, server],
      [server, client],
    ]) {
      from.rule('output', `${share(20)} dup to ${to.ipv4} device "${from.device}"`, 'ip');
    }
    await exchange(server.ipv4, options);
    expect(client.exec('nft', 'list', 'ruleset')).toContain('dup to');
  });

  test('of the packets both ways 10 % take a slower road and arrive behind later ones', async () => {
    for (const from of [client, server]) {
      from.slowRoad(10);
    }
    await exchange(server.ipv4, options);
    expect(Number(/TCPOFOQueue\s+(\d+)/.exec(client.exec('nstat', '-asz', 'TcpExtTCPOFOQueue'))?.[1])).toBeGreaterThan(
      0
    );
  });
});

function retransmits(netns: Netns): number {
  return Number(/TcpRetransSegs\s+(\d+)/.exec(netns.exec('nstat', '-asz', 'TcpRetransSegs'))?.[1]);
}
