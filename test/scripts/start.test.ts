/** `npm start` shows what the demo shop does, and leaves nothing behind, whichever way it ends. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Footprint } from '../support/footprint';
import { cgroupMount, requireKernel } from '../support/requirements';
import { until } from '../support/wait';

const ROOT = join(__dirname, '../..');
const SETUP = join(ROOT, 'scripts', 'setup.mjs');
/** Building included, on a slow machine. */
const START_TIMEOUT_MS = 120_000;

jest.setTimeout(180_000);
beforeAll(requireKernel);

/** Also for a test that fails half-way: nothing that it started stays. */
const afterTest: Array<() => void> = [];
afterEach(() => afterTest.splice(0).forEach((tidy) => tidy()));

class Demo {
  output = '';
  readonly exit: Promise<[code: number | null, signal: string | null]>;

  private constructor(readonly child: ChildProcess) {
    this.exit = once(child, 'exit') as Promise<[number | null, string | null]>;
    afterTest.push(() => child.kill('SIGTERM'));
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text) => (this.output += text));
    }
  }

  static start(...args: string[]): Demo {
    return new Demo(
      spawn(process.execPath, [SETUP, 'start', ...args], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
    );
  }

  /** With a shell in between, as npm is. */
  static startBelowShell(): Demo {
    const command = `"${process.execPath}" "${SETUP}" start & echo "pid $!"; wait`;
    return new Demo(spawn('/bin/sh', ['-c', command], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] }));
  }

  /** Of the script itself. */
  get pid(): number {
    return Number(/^pid (\d+)$/m.exec(this.output)?.[1] ?? this.child.pid);
  }

  async says(pattern: RegExp): Promise<RegExpExecArray> {
    return until(
      () => `the demo to say ${pattern}; it said:\n${this.output}`,
      () => {
        const said = pattern.exec(this.output);
        if (!said && this.child.exitCode !== null) {
          throw new Error(`The demo ended with ${this.child.exitCode} and has not said ${pattern}:\n${this.output}`);
        }
        return said ?? undefined;
      },
      { timeoutMs: START_TIMEOUT_MS, everyMs: 50 }
    );
  }

  /** All that it has running once it shows its table. */
  async footprint(): Promise<Footprint> {
    await this.says(/^ {2}payments/m);
    return Footprint.of(this.pid, `ringside-demo-${this.pid}`);
  }
}

async function expectGone(footprint: Footprint): Promise<void> {
  // The kernel frees maps and programs a moment after their last user has gone.
  const gone = until('everything to be gone', () => footprint.left().length === 0, { timeoutMs: 15_000, everyMs: 100 });
  await gone.catch(() => {});
  expect(footprint.left()).toEqual([]);
}

function expectSubstance({ processes, bpf, cgroups }: Footprint): void {
  // The script, the agent, the janitor, three services and their customers.
  expect(processes.size).toBeGreaterThanOrEqual(7);
  expect(bpf.prog.size).toBeGreaterThan(0);
  expect(bpf.map.size).toBeGreaterThan(0);
  expect(bpf.link.size).toBeGreaterThan(0);
  expect(cgroups).toHaveLength(1);
}

test('shows each service’s rate, quantiles and errors, and stops after the given time', async () => {
  const demo = Demo.start('--seconds', '8');
  const footprint = await demo.footprint();
  expectSubstance(footprint);
  for (const service of ['catalog', 'frontend', 'payments']) {
    const [, rate, p50, p99] = await demo.says(
      new RegExp(`^ +${service} +([\\d.]+) +([\\d.]+) ms +([\\d.]+) (?:ms|s) +[\\d.]+ %$`, 'm')
    );
    expect(Number(rate)).toBeGreaterThan(1);
    expect(Number(p50)).toBeGreaterThan(0.1);
    expect(Number(p99)).not.toBe(Number(p50));
  }
  expect(await demo.exit).toEqual([0, null]);
  expect(demo.output).toContain('nothing is left running');
  await expectGone(footprint);
});

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('leaves nothing behind on %s', async (signal) => {
  const demo = Demo.start();
  const footprint = await demo.footprint();
  demo.child.kill(signal);
  expect(await demo.exit).toEqual([0, null]);
  await expectGone(footprint);
});

test('leaves nothing behind when it is killed', async () => {
  const demo = Demo.start();
  const footprint = await demo.footprint();
  expectSubstance(footprint);
  demo.child.kill('SIGKILL');
  expect(await demo.exit).toEqual([null, 'SIGKILL']);
  await expectGone(footprint);
});

test('leaves nothing behind when its parent is killed', async () => {
  const demo = Demo.startBelowShell();
  const footprint = await demo.footprint();
  expectSubstance(footprint);
  demo.child.kill('SIGKILL');
  await expectGone(footprint);
});

test('leaves nothing behind when it is stopped half-way through its start', async () => {
  const demo = Demo.start();
  const cgroup = join(cgroupMount(), `ringside-demo-${demo.pid}`);
  await until('the demo’s cgroup', () => existsSync(join(cgroup, 'catalog')), {
    timeoutMs: START_TIMEOUT_MS,
    everyMs: 1,
  });
  const footprint = Footprint.of(demo.pid, `ringside-demo-${demo.pid}`);
  demo.child.kill('SIGINT');
  await demo.exit;
  await expectGone(footprint);
});

test('takes another port where its own is taken, and says so', async () => {
  const squatter = createServer();
  // Taken by us, or by somebody else already: either will do.
  await new Promise<void>((resolve) =>
    squatter.once('error', () => resolve()).listen(9420, '127.0.0.1', () => resolve())
  );
  afterTest.push(() => squatter.close());
  const demo = Demo.start('--seconds', '1');
  const [, port] = await demo.says(/Port 9420 is taken; the agent takes (\d+)\./);
  await demo.says(new RegExp(`Agent +http://127\\.0\\.0\\.1:${port}`));
  expect(await demo.exit).toEqual([0, null]);
});

test('names what is wrong with an option', async () => {
  const demo = Demo.start('--seconds', 'ten');
  expect((await demo.exit)[0]).toBe(1);
  expect(demo.output).toContain('Expected a number above 0.');
  expect(demo.output).not.toMatch(/^\s+at /m);
});
