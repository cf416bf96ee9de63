/** The names of containers, from an engine that runs for this test alone: Docker's own, with its own cgroups. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DockerSource } from '../../agent/identity/docker';
import { placeOf, type Place } from '../../agent/identity/place';
import { Engine } from '../support/engine';
import { requireKernel, requireProgram } from '../support/requirements';
import { nodeOnly } from '../support/rootfs';
import { until } from '../support/wait';

const MINUTES = 60_000;
const IMAGE = 'test/node:1.0';
/** Without the host's network; it needs not be asked politely to end. */
const ALONE = ['--network=none', '--stop-signal=SIGKILL'];
const STAY = 'setInterval(() => {}, 1000)';
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
        expect(place).toMatchObject({ containerId: plain, runtime: 'docker' });
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
