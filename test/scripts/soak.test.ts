/**
 * The soak, short enough for every run of the tests: as people start it, with restarts, with kills, and ended early.
 * RINGSIDE_SOAK_MINUTES=10 makes a long one of the first.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Report } from '../../scripts/soak/report';
import { Footprint } from '../support/footprint';
import { requireKernel } from '../support/requirements';
import { until } from '../support/wait';

const ROOT = join(__dirname, '../..');
const SETUP = join(ROOT, 'scripts', 'setup.mjs');
const MINUTES = Number(process.env.RINGSIDE_SOAK_MINUTES ?? 0);
/** Its own checks at the end, and a build before it, on a machine that is busy. */
const AROUND_MS = 240_000;
/** Says something about the machine as well: one that is busy leaves ticks out. */
const OF_THE_MACHINE = ['ticks left out'];

jest.setTimeout(MINUTES * 60_000 + 2 * AROUND_MS);
beforeAll(requireKernel);

const afterTest: Array<() => void> = [];
afterEach(() => afterTest.splice(0).forEach((tidy) => tidy()));

class Soak {
  output = '';
  readonly exit: Promise<[code: number | null, signal: string | null]>;

  private constructor(readonly child: ChildProcess) {
    this.exit = once(child, 'exit') as Promise<[number | null, string | null]>;
    afterTest.push(() => child.kill('SIGTERM'));
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text) => (this.output += text));
    }
  }

  static start(...args: string[]): Soak {
    return new Soak(
      spawn(process.execPath, [SETUP, 'soak', ...args], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
    );
  }

  /** Everything it has on the machine, once its pods do something. */
  async footprint(): Promise<Footprint> {
    const look = () => Footprint.of(this.child.pid!, `ringside-test-${this.child.pid}-`);
    await until(
      () => `pods of the soak; it said:\n${this.output}`,
      () => this.output.includes(' of ') && look().processes.size > 10 && look().cgroups.length > 0,
      { timeoutMs: AROUND_MS, everyMs: 500 }
    );
    return look();
  }

  /** Where it says that it has put its report. */
  report(): Report & { folder: string } {
    const folder = join(ROOT, /^ {2}(build\/soak\/\S+)\/report\.html$/m.exec(this.output)?.[1] ?? this.output);
    expect(readFileSync(join(folder, 'report.html'), 'utf8')).toContain('<svg');
    expect(readFileSync(join(folder, 'picture.svg'), 'utf8')).toContain('</svg>');
    expect(existsSync(join(folder, 'pins'))).toBe(false);
    expect(existsSync(join(folder, 'history'))).toBe(false);
    return { ...JSON.parse(readFileSync(join(folder, 'result.json'), 'utf8')), folder };
  }

  /** That it ran to its end, that its exit code is its verdict, and that nothing but the machine was found fault with. */
  async expectGood(): Promise<Report> {
    const [code] = await this.exit;
    const report = this.report();
    const bad = report.verdicts.filter(({ isGood }) => !isGood);
    expect(bad.filter(({ name }) => !OF_THE_MACHINE.includes(name))).toEqual([]);
    expect([code, report.isGood]).toEqual(bad.length > 0 ? [1, false] : [0, true]);
    return report;
  }
}

const toldOf = ({ verdicts }: Report, name: string) =>
  Number.parseInt(verdicts.find((verdict) => verdict.name === name)!.found.replaceAll(',', ''), 10);

async function expectGone(footprint: Footprint): Promise<void> {
  await until('everything to be gone', () => footprint.left().length === 0, { timeoutMs: 30_000, everyMs: 100 }).catch(
    () => undefined
  );
  expect(footprint.left()).toEqual([]);
}

test('with restarts: everything is told, nothing grows, nothing is left', async () => {
  const length = MINUTES > 0 ? ['--minutes', String(MINUTES)] : ['--seconds', '45', '--lives', '4', '--pods', '15'];
  const soak = Soak.start(...length);
  const footprint = await soak.footprint();
  const report = await soak.expectGood();
  await expectGone(footprint);
  expect(report.endings.map(({ signal }) => signal)).toEqual(expect.arrayContaining(['SIGTERM', 'SIGKILL']));
  expect(report.endings.every(({ readySeconds }) => readySeconds! > 0)).toBe(true);
  expect(report.samples.length).toBeGreaterThan(10);
  expect(report.happened.short).toBeGreaterThan(0);
  expect(toldOf(report, 'requests, server')).toBeGreaterThan(1_000);
  expect(toldOf(report, 'requests, client')).toBeGreaterThan(1_000);
});

test('with kills at random moments: everything is told', async () => {
  const soak = Soak.start('--kills', '7', '--pods', '10');
  const report = await soak.expectGood();
  expect(report.endings).toHaveLength(7);
  expect(toldOf(report, 'requests, server')).toBeGreaterThan(200);
});

test('ended by Ctrl-C, it checks and reports all the same, and leaves nothing', async () => {
  const soak = Soak.start('--hours', '24', '--pods', '10');
  const footprint = await soak.footprint();
  soak.child.kill('SIGINT');
  const report = await soak.expectGood();
  await expectGone(footprint);
  expect(report.seconds).toBeLessThan(3_600);
});

test('killed, it leaves nothing but its report’s folder', async () => {
  const soak = Soak.start('--hours', '24', '--pods', '10');
  const footprint = await soak.footprint();
  soak.child.kill('SIGKILL');
  await soak.exit;
  await expectGone(footprint);
  const mounts = () => readFileSync('/proc/mounts', 'utf8').split('\n');
  const isMounted = () => mounts().some((line) => line.includes(`${ROOT}/build/soak`) && line.includes(' bpf '));
  await until('its pins to be unmounted', () => !isMounted(), { timeoutMs: 30_000, everyMs: 100 });
});

test.each([
  [['--minutes', 'ten'], 'It must be a number above 0, not "ten".'],
  [['--kills', '0'], 'It must be a whole number from 1 to 1000000, not "0".'],
  [['--forever'], "unknown option '--forever'"],
])('refuses %j in a sentence', async (args, sentence) => {
  const soak = Soak.start(...args);
  expect(await soak.exit).toEqual([1, null]);
  expect(soak.output).toContain(sentence);
  expect(soak.output).toContain('Usage: npm run soak --');
  expect(soak.output).not.toMatch(/^ +at /m);
});
