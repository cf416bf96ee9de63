/**
 * The images of the Dockerfile, built by a container engine that runs for this test alone, on a Debian made here: no
 * registry of images is needed. Then what comes out is run, and has to measure.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual, promisify } from 'node:util';
import { parse } from 'yaml';
import type { QueryAnswer } from '../../wire/answer';
import type { QueryRequest } from '../../wire/query';
import { freePort } from '../../scripts/start/port';
import { Bpffs } from '../support/bpffs';
import { Cgroup } from '../support/cgroup';
import { addNode, debootstrap } from '../support/debian';
import { Engine } from '../support/engine';
import { requireKernel, requireProgram } from '../support/requirements';
import { until } from '../support/wait';
import { render } from './support/manifests';
import { dockerOptions } from './support/pod';

const ROOT = join(__dirname, '../..');
const MINUTES = 60_000;
const TOKEN = 'a-token-of-this-test';

/** What the image is built for, of this very version here too. */
const [, NODE] = /^ARG BASE=node:([\d.]+)-/m.exec(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'))!;

/** An unprivileged container, the usual reason, cannot mount; an engine inside of it cannot run. */
const mayMount =
  ((BigInt(`0x${/^CapEff:\s*(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]}`) >> 21n) & 1n) === 1n;
const describeHere = mayMount ? describe : describe.skip;

describeHere(
  mayMount ? 'the images' : 'the images (skipped: no CAP_SYS_ADMIN here, so no container engine can run)',
  () => {
    let engine: Engine;
    let folder: string;

    beforeAll(async () => {
      requireKernel();
      requireProgram('/usr/sbin/dockerd', 'docker.io');
      requireProgram('/usr/sbin/debootstrap', 'debootstrap');
      folder = mkdtempSync(join(tmpdir(), 'ringside-images-'));
      engine = await Engine.start();
      const debian = join(folder, 'debian');
      debootstrap(debian);
      engine.import(debian, 'test/runtime:1.0');
      engine.import(debian, 'test/base:1.0', addNode(debian, NODE));
    }, 15 * MINUTES);

    afterAll(async () => {
      await engine?.stop();
      if (folder) {
        rmSync(folder, { recursive: true, force: true });
      }
    }, 2 * MINUTES);

    const build = (target: string) => {
      const bases = ['--build-arg', 'BASE=test/base:1.0', '--build-arg', 'RUNTIME=test/runtime:1.0'];
      return engine.docker('build', '--network=host', `--target=${target}`, `--tag=test/${target}:1.0`, ...bases, ROOT);
    };
    const sh = (image: string, script: string) =>
      engine.docker('run', '--rm', '--network=none', '--entrypoint=sh', image, '-c', script);

    test(
      'the agent’s image builds, and has Node in it, but neither npm nor a compiler',
      async () => {
        await build('agent');
        const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
        expect(await engine.docker('run', '--rm', '--network=none', 'test/agent:1.0', '--version')).toBe(version);
        expect(await sh('test/agent:1.0', 'node --version')).toBe(`v${NODE}`);
        const tools = 'node npm npx corepack yarn gcc g++ cc c++ clang make python3 bpftool llvm-objcopy';
        expect(await sh('test/agent:1.0', `for tool in ${tools}; do command -v $tool; done; true`)).toBe(
          '/usr/local/bin/node'
        );
        // The other way round: the base that it was built on had them, so the question can be answered with yes.
        expect(await sh('test/base:1.0', 'command -v npm')).toBe('/usr/local/bin/npm');
      },
      40 * MINUTES
    );

    test('the agent’s image adds to Debian what the README says', async () => {
      const sizeOf = async (image: string) => Number(await engine.docker('inspect', '--format={{.Size}}', image));
      const added = (await sizeOf('test/agent:1.0')) - (await sizeOf('test/runtime:1.0'));
      console.log(`the agent's image is ${Math.round(added / 1e6)} MB on top of Debian`);
      const [, stated] = /The image is (\d+) MB on\s+top of Debian/.exec(
        readFileSync(join(ROOT, 'README.md'), 'utf8')
      )!;
      expect(added / 1e6).toBeLessThan(1.1 * Number(stated));
      expect(added / 1e6).toBeGreaterThan(0.8 * Number(stated));
    });

    test(
      'the agent’s container measures, with no more rights than docker-compose.yml gives it',
      async () => {
        const { agent } = parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8')).services;
        const port = await freePort(0);
        const cgroup = Cgroup.make();
        writeFileSync(join(folder, 'token'), `${TOKEN}\n`);
        const mounts = [
          ...agent.volumes.filter((volume: string) => volume.startsWith('/')),
          `${folder}/token:/run/ringside/token:ro`,
        ];
        const container = await engine.docker(
          'run',
          '--detach',
          '--network=host',
          '--cgroupns=private',
          ...agent.cap_drop.map((name: string) => `--cap-drop=${name}`),
          ...(await grantableNames())(agent.cap_add).map((name) => `--cap-add=${name}`),
          ...agent.security_opt.map((option: string) => `--security-opt=${option}`),
          ...(agent.read_only ? ['--read-only'] : []),
          ...mounts.map((mount: string) => `--volume=${mount}`),
          'test/agent:1.0',
          ...['--listen', `127.0.0.1:${port}`, '--token-file', '/run/ringside/token', '--cgroup', cgroup.label]
        );
        try {
          await until(
            'the agent in the container to be ready',
            () =>
              fetch(`http://127.0.0.1:${port}/readyz`).then(
                ({ ok }) => ok,
                () => false
              ),
            { timeoutMs: MINUTES, everyMs: 200 }
          ).catch(async (error) => {
            throw new Error(`${error.message}: ${await engine.docker('logs', container)}`);
          });
          cgroup.spawn(process.execPath, ['-e', REQUESTS], { stdio: 'ignore' });
          await until('23 requests to be counted', async () => (await counted(port)) === 23, {
            timeoutMs: 30_000,
            everyMs: 200,
          });
          expect((await ask(port, {})).status).toBe(401);
        } finally {
          await engine.docker('rm', '--force', container);
          await cgroup.remove();
        }
      },
      5 * MINUTES
    );

    describe('as the DaemonSet runs it', () => {
      const [daemonSet] = render('overlays/token').filter(({ kind }) => kind === 'DaemonSet');
      const [detach] = render('detach').filter(({ kind }) => kind === 'DaemonSet');
      // The node's own two folders, of this test alone: here may be an agent that is installed.
      let hostPaths: Record<string, string>;
      let bpffs: Bpffs;
      let pins: string;
      let history: string;
      let options: (without?: string) => string[];

      beforeAll(async () => {
        bpffs = Bpffs.mount();
        pins = join(bpffs.path, 'pins');
        history = join(folder, 'history');
        const secret = join(folder, 'secret');
        mkdirSync(pins);
        mkdirSync(history);
        mkdirSync(secret);
        writeFileSync(join(secret, 'token'), TOKEN, { mode: 0o400 });
        hostPaths = { '/sys/fs/bpf/ringside': pins, '/var/lib/ringside': history };
        const paths = daemonSet.spec.template.spec.volumes.map(
          ({ hostPath }: { hostPath?: { path: string } }) => hostPath?.path
        );
        expect(paths).toEqual(expect.arrayContaining(Object.keys(hostPaths)));
        const grantable = await grantableNames();
        options = (without) =>
          dockerOptions(daemonSet, 'agent', {
            secrets: { 'ringside-token': secret },
            hostPaths,
            fields: { 'spec.nodeName': 'node-1' },
            capabilities: (wanted) => grantable(wanted).filter((name) => name !== without),
          });
      }, MINUTES);
      afterAll(() => {
        bpffs.unmount();
      });

      test(
        'measures two containers on this engine, from a network of its own, with exactly its rights, mounts and memory',
        async () => {
          const containers: string[] = [];
          const start = async (...args: string[]) => {
            const id = await engine.docker('run', '--detach', ...args);
            containers.push(id);
            return id;
          };
          try {
            const script = ['--entrypoint=node', 'test/agent:1.0', '-e'];
            const server = await start('--network=none', ...script, SERVER);
            const agent = await start(...options(), 'test/agent:1.0', '--cgroup', dirname(await cgroupOf(server)));
            const inAgent = await inNetworkOf(agent);
            await until(
              'it to be ready',
              () => inAgent('http://127.0.0.1:9421/readyz').then(({ status }) => status === 200),
              {
                timeoutMs: MINUTES,
                everyMs: 500,
              }
            ).catch(async (error) => {
              throw new Error(`${error.message}: ${await engine.docker('logs', agent)}`);
            });
            const client = await start(`--network=container:${server}`, ...script, CLIENT);

            // The agent measures its own answers too.
            const counted = async () => {
              const rows = await requestsByContainer(inAgent);
              return rows.filter(({ container }) => container !== agent.slice(0, 12));
            };
            const expected = [
              { role: 'client', node: 'node-1', container: client.slice(0, 12), requests: 23 },
              { role: 'server', node: 'node-1', container: server.slice(0, 12), requests: 23 },
            ];
            let last: Requests[] = [];
            await until(
              () => `23 requests on either side; counted: ${JSON.stringify(last)}`,
              async () => isDeepStrictEqual((last = await counted()), expected),
              { timeoutMs: 30_000, everyMs: 500 }
            );

            const anyone = await inAgent('http://127.0.0.1:9420/api/v1/status', { authorization: '' });
            expect(anyone.status).toBe(401);
            const { status, body } = await inAgent('http://127.0.0.1:9420/api/v1/status');
            expect(status).toBe(200);
            const { anonymousBytes, kernelMapBytes } = JSON.parse(body).memory;
            console.log(
              `the agent in its container: ${(anonymousBytes / 2 ** 20).toFixed(1)} MiB of its own, ` +
                `${(kernelMapBytes / 2 ** 20).toFixed(1)} MiB of kernel maps`
            );
            expect((await inAgent('http://127.0.0.1:9421/api/v1/status')).status).toBe(404);

            const began = Date.now();
            const { terminationGracePeriodSeconds } = daemonSet.spec.template.spec;
            await engine.docker('stop', `--time=${terminationGracePeriodSeconds}`, agent);
            expect(Date.now() - began).toBeLessThan(terminationGracePeriodSeconds * 1_000);
            expect(await engine.docker('inspect', '--format={{.State.ExitCode}} {{.State.OOMKilled}}', agent)).toBe(
              '0 false'
            );
          } finally {
            await Promise.all(containers.map((id) => engine.docker('rm', '--force', id)));
          }
        },
        5 * MINUTES
      );

      test(
        'leaves its history and what counts to the next one, and “detach” leaves nothing in the kernel',
        async () => {
          expect(readdirSync(history)).toContain('history');
          expect(readdirSync(pins)).not.toEqual([]);
          const [{ args }] = detach.spec.template.spec.initContainers;
          const said = await engine.docker(
            'run',
            '--rm',
            ...dockerOptions(detach, 'detach', { hostPaths, capabilities: (wanted) => wanted }),
            'test/agent:1.0',
            ...args
          );
          expect(said).toMatch(/removed/i);
          expect(readdirSync(pins)).toEqual([]);
        },
        2 * MINUTES
      );

      test(
        'needs every one of its capabilities',
        async () => {
          const given = options().flatMap((option) => /^--cap-add=(.+)$/.exec(option)?.[1] ?? []);
          expect(given.length).toBeGreaterThan(1);
          for (const name of given) {
            await expect(engine.docker('run', '--rm', ...options(name), 'test/agent:1.0')).rejects.toThrow(
              /This process may not load BPF programs: it lacks CAP_/
            );
          }
        },
        2 * MINUTES
      );

      /** Of a container, in the hierarchy that is measured. */
      async function cgroupOf(container: string): Promise<string> {
        const [, path] = /^0::(\/.*)$/m.exec(readFileSync(`/proc/${await pidOf(container)}/cgroup`, 'utf8'))!;
        return path;
      }

      const pidOf = (container: string) => engine.docker('inspect', '--format={{.State.Pid}}', container);

      /** Asks from inside of a container's network, with nothing of the container's own. */
      async function inNetworkOf(container: string): Promise<Ask> {
        const pid = await pidOf(container);
        return async (url, headers = { authorization: `Bearer ${TOKEN}` }, body) => {
          const asked = JSON.stringify([url, { headers, ...(body && { method: 'POST', body: JSON.stringify(body) }) }]);
          const { stdout } = await promisify(execFile)('nsenter', [
            `--target=${pid}`,
            '--net',
            process.execPath,
            '-e',
            ASK,
            asked,
          ]);
          return JSON.parse(stdout);
        };
      }
    });

    test(
      'the demo’s image serves',
      async () => {
        await build('demo');
        await expect(engine.docker('run', '--rm', '--network=none', 'test/demo:1.0', 'bakery')).rejects.toThrow(
          'main.js frontend|'
        );
        const shop = await engine.docker(
          'run',
          '--detach',
          '--network=host',
          '--read-only',
          'test/demo:1.0',
          'catalog'
        );
        const port = await until(
          'the catalog’s port',
          async () => Number(await engine.docker('logs', shop)) || undefined,
          {
            timeoutMs: 30_000,
            everyMs: 200,
          }
        );
        const { status } = await fetch(`http://127.0.0.1:${port}/items/100000`);
        expect([404, 500]).toContain(status);
        expect(await engine.docker('exec', shop, 'id', '-un')).toBe('nobody');
        await engine.docker('rm', '--force', shop);
      },
      15 * MINUTES
    );

    test(
      'the stage that Grafana’s image takes the plugin from has it',
      async () => {
        await build('plugin');
        const { id } = JSON.parse(readFileSync(join(ROOT, 'src/plugin.json'), 'utf8'));
        const made = JSON.parse(await sh('test/plugin:1.0', 'cat /ringside/dist/plugin.json'));
        expect(made.id).toBe(id);
        expect(made.info.version).not.toContain('%');
        expect(await sh('test/plugin:1.0', 'cd /ringside/dist && ls module.js dashboards')).toContain(
          'http-golden-signals.json'
        );
      },
      15 * MINUTES
    );

    /** Debian 12's engine is older than the two capabilities that were split from SYS_ADMIN, and knows only that one. */
    async function grantableNames(): Promise<(wanted: string[]) => string[]> {
      const [major] = (await engine.docker('version', '--format', '{{.Server.Version}}')).split('.').map(Number);
      return (wanted) => (major >= 23 ? wanted : [...wanted.filter((name) => name === 'NET_ADMIN'), 'SYS_ADMIN']);
    }
  }
);

type Ask = (url: string, headers?: Record<string, string>, body?: object) => Promise<{ status: number; body: string }>;

/** Prints what `fetch` with its argument answers; 0 where nobody does. */
const ASK = `
  fetch(...JSON.parse(process.argv[1])).then(
    async (response) => console.log(JSON.stringify({ status: response.status, body: await response.text() })),
    () => console.log(JSON.stringify({ status: 0, body: '' }))
  );
`;

const SERVER = `require('node:http').createServer((request, response) => response.end('ok')).listen(8080, '127.0.0.1')`;
/** It stays, as the server does: their cgroups are there to be looked at. */
const CLIENT = `(async () => {
  for (let i = 0; i < 23; i++) {
    await (await fetch('http://127.0.0.1:8080/')).text();
  }
  setInterval(() => {}, 1000);
})()`;

interface Requests {
  role: string;
  node: string;
  container: string;
  requests: number;
}

/** The clients', then the servers'. */
async function requestsByContainer(askAgent: Ask): Promise<Requests[]> {
  const now = Date.now();
  const request: QueryRequest = {
    from: now - 5 * MINUTES,
    to: now,
    queries: ['client', 'server'].map((refId) => ({
      refId,
      metric: `http_${refId}_request_duration_seconds`,
      select: 'increase',
      by: ['node', 'container'],
      instant: true,
    })),
  };
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
  const { body } = await askAgent('http://127.0.0.1:9420/api/v1/query', headers, request);
  const { results } = JSON.parse(body) as QueryAnswer;
  return ['client', 'server'].flatMap((role) =>
    results[role].frames.flatMap(({ schema, data }) => {
      const column = (name: string) => data.values[schema.fields.findIndex((field) => field.name === name)];
      const counts = data.values[schema.fields.findIndex(({ type }) => type === 'number')];
      return counts.map((requests, row) => ({
        role,
        node: column('node')[row] as string,
        container: column('container')[row] as string,
        requests: requests as number,
      }));
    })
  );
}

/** In the measured cgroup: a server, and 23 requests to it. It stays, so that its cgroup does. */
const REQUESTS = `
  const http = require('node:http');
  const server = http.createServer((request, response) => response.end('ok')).listen(0, '127.0.0.1', async () => {
    for (let i = 0; i < 23; i++) {
      await fetch('http://127.0.0.1:' + server.address().port + '/');
    }
  });
`;

async function counted(port: number): Promise<number> {
  const now = Date.now();
  const request: QueryRequest = {
    from: now - 5 * MINUTES,
    to: now,
    queries: [{ refId: 'A', metric: 'http_server_request_duration_seconds', select: 'increase', instant: true }],
  };
  const response = await ask(port, { authorization: `Bearer ${TOKEN}` }, request);
  const { results } = (await response.json()) as QueryAnswer;
  const [frame] = results.A.frames;
  const column = frame?.schema.fields.findIndex(({ type }) => type === 'number') ?? -1;
  return Number(frame?.data.values[column]?.[0] ?? 0);
}

function ask(
  port: number,
  headers: Record<string, string>,
  body: object = { from: 0, to: 1, queries: [] }
): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}/api/v1/query`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}
