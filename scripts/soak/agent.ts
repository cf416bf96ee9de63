/** The agent under test: the built one, in a process of its own, ended and started again as often as it takes. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Frame, QueryAnswer } from '../../wire/answer';
import type { Query } from '../../wire/query';
import type { Status } from '../../wire/status';
import { StepError } from '../setup/steps.mjs';
import { spawnAgent } from '../start/agent';

/** Several times what it takes on a machine that has other things to do. */
const READY_WITHIN_MS = 60_000;
const ANSWER_WITHIN_MS = 30_000;

export interface SoakAgentOptions {
  /** Its bundle. */
  program: string;
  /** On loopback. */
  port: number;
  flags: readonly string[];
  /** Where it writes its log, of all lives one after the other. */
  logFile: string;
}

export class SoakAgent {
  readonly url: string;
  /** How often it was started. */
  lives = 0;
  /** It has answered that it is ready, and was not told to end since. */
  isReady = false;
  readonly #options: SoakAgentOptions;
  #process?: ChildProcess;
  #gone: Promise<unknown> = Promise.resolve();
  #isWanted = false;

  constructor(options: SoakAgentOptions) {
    this.#options = options;
    this.url = `http://127.0.0.1:${options.port}`;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Starts it, and does not wait. */
  spawn(): void {
    const { program, port, flags, logFile } = this.#options;
    const log = openSync(logFile, 'a');
    const args = ['--listen', `127.0.0.1:${port}`, '--log-level', 'warn', ...flags];
    const child = spawnAgent(args, ['ignore', log, log], program);
    closeSync(log);
    this.lives++;
    this.#isWanted = true;
    this.#process = child;
    this.#gone = once(child, 'exit').then(() => {
      this.isReady = false;
    });
  }

  /**
   * Waits until it measures and answers, or until it is told to end.
   *
   * @returns whether it does
   * @throws StepError when it ends by itself, or is not ready in time
   */
  async ready(): Promise<boolean> {
    const life = this.lives;
    const isCurrent = () => this.#isWanted && life === this.lives;
    for (const deadline = performance.now() + READY_WITHIN_MS; isCurrent(); await sleep(20)) {
      if (this.hasEnded) {
        throw new StepError(`The agent has ended by itself. Its log ends with:\n\n${this.logTail()}`);
      }
      if (performance.now() > deadline) {
        throw new StepError(`The agent is not ready after ${READY_WITHIN_MS / 1000} s. Its log is ${this.logFile}.`);
      }
      const answer = await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(5_000) }).catch(() => undefined);
      if (answer?.ok && isCurrent()) {
        this.isReady = true;
        return true;
      }
    }
    return false;
  }

  /** Whether the process is gone. */
  get hasEnded(): boolean {
    return this.#process === undefined || this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** Whether it is gone although nobody has told it to. */
  get hasFailed(): boolean {
    return this.#isWanted && this.hasEnded;
  }

  /** Ends it, and waits until it is gone. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.#isWanted = false;
    this.isReady = false;
    this.#process?.kill(signal);
    await this.#gone;
  }

  get program(): string {
    return this.#options.program;
  }

  get logFile(): string {
    return this.#options.logFile;
  }

  /** The end of its log. */
  logTail(lines = 20): string {
    return readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  }

  async get(path: string): Promise<string> {
    const answer = await fetch(this.url + path, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
    const text = await answer.text();
    if (!answer.ok) {
      throw new Error(`GET ${path} answered ${answer.status}: ${text.slice(0, 500)}`);
    }
    return text;
  }

  async status(): Promise<Status> {
    return JSON.parse(await this.get('/api/v1/status'));
  }

  /** @throws Error where one of the queries failed, Overloaded where there was no time for it */
  async query(fromMs: number, toMs: number, queries: readonly Query[]): Promise<Record<string, Frame[]>> {
    const response = await fetch(`${this.url}/api/v1/query`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ from: Math.floor(fromMs), to: Math.ceil(toMs), queries }),
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    const text = await response.text();
    if (response.status === 503) {
      throw new Overloaded(text.slice(0, 500));
    }
    if (!response.ok) {
      throw new Error(`The agent answered ${response.status}: ${text.slice(0, 500)}`);
    }
    const { results }: QueryAnswer = JSON.parse(text);
    for (const { refId, metric, select } of queries) {
      const { error } = results[refId];
      if (error?.code === 'overloaded') {
        throw new Overloaded(error.message);
      }
      if (error) {
        throw new Error(`${select} of ${metric}: ${error.code}, ${error.message}`);
      }
    }
    return Object.fromEntries(Object.entries(results).map(([refId, { frames }]) => [refId, frames]));
  }
}

/** The agent had no time for it, and said so. */
export class Overloaded extends Error {}

/** What a process has of the kernel's: open descriptors, and among them the BPF objects, by kind. */
export interface Descriptors {
  open: number;
  programs: number;
  maps: number;
  links: number;
}

/** Undefined when the process is gone. */
export function descriptorsOf(pid: number): Descriptors | undefined {
  const folder = `/proc/${pid}/fdinfo`;
  try {
    const texts = readdirSync(folder).map((fd) => readIfThere(join(folder, fd)));
    const count = (field: string) => texts.filter((text) => text.includes(`\n${field}:`)).length;
    return { open: texts.length, programs: count('prog_id'), maps: count('map_id'), links: count('link_id') };
  } catch {
    return undefined;
  }
}

/** Its own memory, without files: undefined when the process is gone. */
export function anonymousBytesOf(pid: number): number | undefined {
  const kilobytes = /^RssAnon:\s*(\d+) kB$/m.exec(readIfThere(`/proc/${pid}/status`))?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
