/** The names of containers, from an engine that runs for this test alone: Docker's own, with its own cgroups. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DockerSource } from '../../agent/identity/docker';
import { placeOf, type Place } from '../../agent/identity/place';
import { Engine } from '../support/engine';
import { requireKernel, requireProgram } from '../support/requirements';
import { nodeOnly } from '../support/rootfs';
import { until } from '../support/wait';

const ROOT = join(__dirname, '../..');
const MINUTES = 60_000;
const IMAGE = 'test/node:1.0';
/** Without the host's network; it needs not be asked politely to end. */
const ALONE = ['--network=none', '--stop-signal=SIGKILL'];
const STAY = 'setInterval(() => {}, 1000)';
/** In a network that both share. */
const SERVER = "require('node:http').createServer((request, response) => response.end('ok')).listen(8080, '127.0.0.1')";
const CLIENT = `(async () => {
  for (let i = 0; i < 23; i++) await (await fetch('http://127.0.0.1:8080/')).text();
  process.exit();
})()`;
const WAIT = { timeoutMs: 30_000, everyMs: 20 };

/** An unprivileged container, the usual reason, cannot mount; an engine inside of it cannot run. */
const mayMount =
  ((BigInt(`0x${/^CapEff:\s*(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]}`) >> 21n) & 1n) === 1n;
const describeHere = mayMount ? describe : describe.skip;

describeHere(
  mayMount ? 'an engine' : 'an engine (skipped: no CAP_SYS_ADMIN here, so no container engine can run)',
  () => {
    let engine: Engine;
    let folder: string;
    let source: DockerSource;

    beforeAll(async () => {
      requireKernel();
      requireProgram('/usr/sbin/dockerd', 'docker.io');
      folder = mkdtempSync(join(tmpdir(), 'ringside-names-'));
      nodeOnly(folder);
      engine = await Engine.start();
      engine.import(folder, IMAGE);
    }, 5 * MINUTES);

    afterAll(async () => {
      await source?.stop();
      await engine?.stop();
      if (folder) {
        rmSync(folder, { recursive: true, force: true });
      }
    }, 2 * MINUTES);

    afterEach(async () => {
      const left = (await engine.docker('ps', '--all', '--quiet')).split('\n').filter(Boolean);
      if (left.length > 0) {
        await engine.docker('rm', '--force', ...left);
      }
    }, MINUTES);

    const socketPath = () => engine.host.replace('unix://', '');
    const connected = async (options?: ConstructorParameters<typeof DockerSource>[1]) => {
      await source?.stop();
      source = new DockerSource(socketPath(), options);
      source.start();
      await until(
        () => `the engine; ${source.status.reason}`,
        () => source.status.state === 'ready',
        WAIT
      );
      return source;
    };
    const run = (script: string, ...options: string[]) =>
      engine.docker('run', '--detach', ...ALONE, ...options, IMAGE, '/usr/local/bin/node', '-e', script);

    /** Where the engine has really put it. */
    async function placeOfContainer(container: string): Promise<Place> {
      const pid = await engine.docker('inspect', '--format', '{{.State.Pid}}', container);
      const [, path] = /^0::(\/.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))!;
      return placeOf(path);
    }

    test(
      'is asked about containers that were there before, and recognises them by their cgroups',
      async () => {
        const compose = ['project=shop', 'service=cart'].map((label) => `--label=com.docker.compose.${label}`);
        const [plain, cart] = await Promise.all([
          run(STAY, '--name=plain'),
          run(STAY, '--name=shop-cart-1', ...compose, '--label=ringside.io/observe=false'),
        ]);
        await connected();
        const place = await placeOfContainer(plain);
        expect(place).toEqual({ path: `${engine.cgroup}/${plain}`, containerId: plain, runtime: 'docker' });
        expect(source.identify(place)).toEqual({ container: 'plain', workload: 'plain' });
        expect(source.identify(await placeOfContainer(cart))).toEqual({
          namespace: 'shop',
          container: 'shop-cart-1',
          workload: 'cart',
          observe: false,
        });
        expect(source.status).toEqual({ state: 'ready', reason: '', known: 2 });
      },
      2 * MINUTES
    );

    test(
      'tells of new containers before they have a process, of new names, and of the end',
      async () => {
        await connected();
        const created = await engine.docker(
          'create',
          '--name=late',
          '--network=none',
          '--label=com.docker.compose.service=db',
          IMAGE,
          '/usr/local/bin/node',
          '-e',
          STAY
        );
        const place = { path: '/', containerId: created };
        await until('its name, though it does not run', () => source.identify(place), WAIT);
        expect(source.identify(place)).toEqual({ container: 'late', workload: 'db' });

        await engine.docker('start', created);
        expect((await placeOfContainer(created)).containerId).toBe(created);
        await engine.docker('rename', 'late', 'later');
        await until('its new name', () => source.identify(place)?.container === 'later', WAIT);
        await engine.docker('rm', '--force', created);
        await until('its end', () => source.status.known === 0, WAIT);
        expect(source.identify(place)?.container).toBe('later');
      },
      2 * MINUTES
    );

    test(
      'is told the name of a container that is gone in no time',
      async () => {
        await connected();
        const cidFile = join(folder, 'cid');
        const options = ['--rm', '--network=none', '--name=moment', `--cidfile=${cidFile}`];
        await engine.docker('run', ...options, IMAGE, '/usr/local/bin/node', '-e', '0');
        const place = { path: '/', containerId: readFileSync(cidFile, 'utf8') };
        await until('its name', () => source.identify(place), WAIT);
        expect(source.identify(place)?.container).toBe('moment');
        await until('its end', () => source.status.known === 0, WAIT);
      },
      2 * MINUTES
    );

    test(
      'finds out by the list what the events did not say',
      async () => {
        const stopped = await run(STAY, '--name=stopped');
        await connected({ roundMs: 500 });
        expect(source.status.known).toBe(1);
        // It has no processes then, and no events of interest either.
        await engine.docker('kill', stopped);
        await until('it to be left out', () => source.status.known === 0, WAIT);
        await engine.docker('start', stopped);
        await until('it to be back', () => source.status.known === 1, WAIT);
        expect(source.identify({ path: '/', containerId: stopped })?.container).toBe('stopped');
      },
      2 * MINUTES
    );

    test(
      'names both sides of containers that talk HTTP, the one that has gone too, in what the agent tells',
      async () => {
        const label = (service: string) => [
          `--label=com.docker.compose.service=${service}`,
          '--label=com.docker.compose.project=shop',
        ];
        const server = await run(SERVER, '--name=shop-api-1', ...label('api'));
        const agent = new AgentProcess(
          '--docker',
          socketPath(),
          '--kubernetes',
          'off',
          '--cgroup',
          engine.cgroup,
          '--node',
          'here'
        );
        try {
          const url = await agent.address();
          const cidFile = join(folder, 'client');
          const options = [
            '--rm',
            `--cidfile=${cidFile}`,
            '--name=shop-web-1',
            ...label('web'),
            `--network=container:${server}`,
          ];
          // To its end: it is removed then.
          await engine.docker('run', ...options, IMAGE, '/usr/local/bin/node', '-e', CLIENT);
          const client = readFileSync(cidFile, 'utf8');
          const own = (name: string, workload: string, id: string) =>
            `{node="here",namespace="shop",container="${name}",workload="${workload}",cgroup="${engine.cgroup}/${id}",` +
            'method="GET",status="200"} 23';
          const expected = [
            `http_server_request_duration_seconds_count${own('shop-api-1', 'api', server)}`,
            `http_client_request_duration_seconds_count${own('shop-web-1', 'web', client)}`,
          ];
          let counts: string[] = [];
          await until(
            () => `both sides; it tells: ${counts.join('\n')}`,
            async () => {
              const metrics = await (await fetch(`${url}/metrics`)).text();
              counts = metrics.split('\n').filter((line) => /^http_(server|client)_request_.*_count\{/.test(line));
              return expected.every((line) => counts.includes(line));
            },
            { timeoutMs: 30_000, everyMs: 200 }
          );
          // Nothing of it is anybody else's.
          expect(counts.sort()).toEqual(expected.sort());
        } finally {
          await agent.stop();
        }
      },
      3 * MINUTES
    );

    test(
      'may stop and start again',
      async () => {
        await connected({ backoffMs: 50, longestBackoffMs: 200 });
        const first = await run(STAY, '--name=first');
        await until('its name', () => source.identify({ path: '/', containerId: first }), WAIT);
        await engine.restart();
        await until('the engine again', () => source.status.state === 'ready', WAIT);
        const second = await run(STAY, '--name=second');
        await until('the next name', () => source.identify({ path: '/', containerId: second }), WAIT);
        expect(source.identify({ path: '/', containerId: first })?.container).toBe('first');
      },
      3 * MINUTES
    );

    test(
      'that hangs is noticed, and waited for',
      async () => {
        const container = await run(STAY, '--name=patient');
        await connected({ roundMs: 500, timeoutMs: 1_000, backoffMs: 50, longestBackoffMs: 200 });
        const pid = Number(readFileSync(join(engine.folder, 'pid'), 'utf8'));
        process.kill(pid, 'SIGSTOP');
        try {
          await until('the silence to be noticed', () => source.status.state === 'failing', WAIT);
          expect(source.status.reason).toBe(
            `The engine behind ${socketPath()} did not answer within 1 s: it is overloaded or stuck.`
          );
          expect(source.identify({ path: '/', containerId: container })?.container).toBe('patient');
        } finally {
          process.kill(pid, 'SIGCONT');
        }
        await until('it to be well', () => source.status.state === 'ready', WAIT);
      },
      2 * MINUTES
    );
  }
);

/** The agent as it is in the checkout; the bundle is the same code. */
class AgentProcess {
  readonly #process: ChildProcess;
  #output = '';

  constructor(...flags: string[]) {
    const main = ['--require', 'tsx/cjs', join(ROOT, 'agent/main.ts'), '--objects', join(ROOT, 'bpf/.output')];
    const args = ['--pdeathsig', 'KILL', '--', process.execPath, ...main, '--listen', '127.0.0.1:0', ...flags];
    this.#process = spawn('setpriv', args, { cwd: ROOT });
    this.#process.stdout!.on('data', (chunk) => (this.#output += chunk));
    this.#process.stderr!.on('data', (chunk) => (this.#output += chunk));
  }

  /** Where it answers, once it measures. */
  async address(): Promise<string> {
    const url = await until(
      () => `the agent to start; it said: ${this.#output}`,
      () => /^Ringside \S+ measures \S+ and answers on (\S+)$/m.exec(this.#output)?.[1],
      { timeoutMs: MINUTES, everyMs: 50 }
    );
    await until('it to be ready', async () => (await fetch(`${url}/readyz`)).ok, WAIT);
    return url;
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const gone = once(this.#process, 'exit');
      this.#process.kill('SIGTERM');
      await gone;
    }
  }
}
