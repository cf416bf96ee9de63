/**
 * The images of the Dockerfile, built by a container engine that runs for this test alone, on a Debian made here: no
 * registry of images is needed. Then what comes out is run, and has to measure.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { QueryAnswer } from '../../wire/answer';
import type { QueryRequest } from '../../wire/query';
import { freePort } from '../../scripts/start/port';
import { Cgroup } from '../support/cgroup';
import { addNode, debootstrap } from '../support/debian';
import { Engine } from '../support/engine';
import { requireKernel, requireProgram } from '../support/requirements';
import { until } from '../support/wait';

const ROOT = join(__dirname, '../..');
const MINUTES = 60_000;
const TOKEN = 'a-token-of-this-test';

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
      engine.import(debian, 'test/base:1.0', addNode(debian));
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
        const tools = 'node npm npx corepack yarn gcc g++ cc c++ clang make python3 bpftool llvm-objcopy';
        expect(await sh('test/agent:1.0', `for tool in ${tools}; do command -v $tool; done; true`)).toBe(
          '/usr/local/bin/node'
        );
        // The other way round: the base that it was built on had them, so the question can be answered with yes.
        expect(await sh('test/base:1.0', 'command -v npm')).toBe('/usr/local/bin/npm');
      },
      40 * MINUTES
    );

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
          ...(await grantable(agent.cap_add)).map((name) => `--cap-add=${name}`),
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
    async function grantable(wanted: string[]): Promise<string[]> {
      const [major] = (await engine.docker('version', '--format', '{{.Server.Version}}')).split('.').map(Number);
      return major >= 23 ? wanted : [...wanted.filter((name) => name === 'NET_ADMIN'), 'SYS_ADMIN'];
    }
  }
);

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
