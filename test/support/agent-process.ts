/** The agent as it is installed: one bundle of this checkout, run as a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Status } from '../../wire/status';
import { until } from './wait';

const ROOT = join(__dirname, '..', '..');
const OBJECTS = join(ROOT, 'bpf', '.output');
/** Loading the programs takes a second where nothing else runs. */
const START_MS = 90_000;

/** Where it answers, and its name. */
const USUAL = ['--listen', '127.0.0.1:0', '--node', 'here'];

/** What one agent has counted, by the names of its own metrics page. */
export type Samples = Record<string, number>;

export class AgentBundle {
  readonly folder = mkdtempSync(join(tmpdir(), 'ringside-agent-'));

  static async build(): Promise<AgentBundle> {
    const bundle = new AgentBundle();
    await build({
      absWorkingDir: ROOT,
      entryPoints: ['agent/main.ts'],
      outfile: join(bundle.folder, 'main.js'),
      bundle: true,
      platform: 'node',
      format: 'cjs',
      logLevel: 'error',
      // Only for what is asked of it rarely, and never here.
      external: ['@fastify/swagger'],
    });
    cpSync(join(ROOT, 'native/build/Release/ringside.node'), join(bundle.folder, 'ringside.node'));
    for (const name of readdirSync(OBJECTS).filter((name) => name.endsWith('.bpf.o'))) {
      cpSync(join(OBJECTS, name), join(bundle.folder, name));
    }
    return bundle;
  }

  /** Starts an agent, which ends with the test process at the latest. */
  start(...flags: string[]): AgentProcess {
    return new AgentProcess(this.folder, [...USUAL, ...flags]);
  }

  /** The same, as a root that may do nothing but this: `bpf`, `perfmon` … */
  startWith(capabilities: readonly string[], ...flags: string[]): AgentProcess {
    const limits = ['--inh-caps', '-all', '--bounding-set', ['-all', ...capabilities.map((name) => `+${name}`)].join()];
    return new AgentProcess(this.folder, [...USUAL, ...flags], limits);
  }

  /** Runs one of its commands to the end. */
  async run(...args: string[]): Promise<{ code: number | null; output: string }> {
    const agent = new AgentProcess(this.folder, args);
    return { code: await agent.exit(), output: agent.output };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

export class AgentProcess {
  readonly process: ChildProcess;
  /** Standard output and standard error. */
  output = '';
  readonly #ended: Promise<unknown>;
  #url = '';

  constructor(folder: string, args: readonly string[], limits: readonly string[] = []) {
    const main = join(folder, 'main.js');
    this.process = spawn('setpriv', ['--pdeathsig', 'KILL', ...limits, '--', process.execPath, main, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_PATH: join(ROOT, 'node_modules') },
    });
    this.process.stdout!.on('data', (chunk) => (this.output += chunk));
    this.process.stderr!.on('data', (chunk) => (this.output += chunk));
    this.#ended = once(this.process, 'close');
  }

  /** Waits until it measures. */
  async ready(): Promise<this> {
    this.#url = await until(
      () => `the agent to start; it said: ${this.output}`,
      () => {
        if (this.process.exitCode !== null || this.process.signalCode !== null) {
          throw new Error(`The agent ended; it said: ${this.output}`);
        }
        return /^Ringside \S+ measures (\S+) and answers on (\S+)$/m.exec(this.output)?.[2];
      },
      { timeoutMs: START_MS, everyMs: 20 }
    );
    return this;
  }

  get url(): string {
    return this.#url;
  }

  async status(): Promise<Status> {
    return (await fetch(`${this.#url}/api/v1/status`)).json() as Promise<Status>;
  }

  /** `/metrics`, by name and labels as it writes them. */
  async samples(): Promise<Samples> {
    const text = await (await fetch(`${this.#url}/metrics`)).text();
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return Object.fromEntries(
      lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))])
    );
  }

  /** A question whose answer is one value for each set of these labels. */
  async increases(metric: string, by: string[], fromMs: number): Promise<Record<string, number>> {
    const query = { refId: 'A', metric, select: 'increase', by, instant: true };
    const answer = await fetch(`${this.#url}/api/v1/query`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ from: fromMs, to: Date.now() + 60_000, queries: [query] }),
    });
    const { results } = (await answer.json()) as { results: Record<string, { frames: Frame[]; error?: string }> };
    if (results.A.error) {
      throw new Error(JSON.stringify(results.A));
    }
    const [frame] = results.A.frames;
    const columns = frame?.data.values ?? [];
    const values = columns.at(-1) ?? [];
    return Object.fromEntries(
      values.map((value, row) => [
        columns
          .slice(0, -1)
          .map((column) => column[row])
          .join(' '),
        Number(value),
      ])
    );
  }

  /** At whatever it is doing. */
  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.#ended;
  }

  /** As an operator or the kubelet ends it. */
  async stop(): Promise<number | null> {
    this.process.kill('SIGTERM');
    return this.exit();
  }

  async exit(): Promise<number | null> {
    await this.#ended;
    return this.process.exitCode;
  }
}

interface Frame {
  data: { values: unknown[][] };
}
