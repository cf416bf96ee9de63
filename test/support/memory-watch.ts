/** The agent's own memory while something happens to it, and after. */
import { readFileSync } from 'node:fs';
import type { BenchAgent } from '../../bench/support/agent';
import { sleep, until } from './wait';

/** The container's limit in deploy/kubernetes/base/daemonset.yaml: above it the kernel ends the agent. */
const LIMIT_BYTES = 96 * 2 ** 20;
/** What an agent may have kept: as much as one differs from the next, and from 50 pods to 500 (test/kernel/memory.test.ts). */
const KEPT_BYTES = 3_000_000;
const EVERY_MS = 20;
/** Longer than the agent takes to give back what it does not use (agent/memory.ts). */
const SETTLE_MS = 90_000;

export class MemoryWatch {
  readonly #agent: BenchAgent;
  readonly #timer: NodeJS.Timeout;
  #kernelMapBytes = 0;
  #restBytes = Infinity;
  #peakBytes = 0;

  private constructor(agent: BenchAgent) {
    this.#agent = agent;
    this.#timer = setInterval(() => (this.#peakBytes = Math.max(this.#peakBytes, this.#anonymousBytes())), EVERY_MS);
    this.#timer.unref();
    agent.process.once('exit', () => clearInterval(this.#timer));
  }

  /** Waits for the agent to come to rest: its start leaves garbage. */
  static async start(agent: BenchAgent): Promise<MemoryWatch> {
    const watch = new MemoryWatch(agent);
    watch.#kernelMapBytes = (await agent.status()).memory.kernelMapBytes;
    for (let second = 0; second < 25; second++) {
      watch.#restBytes = Math.min(watch.#restBytes, watch.#anonymousBytes());
      await sleep(1_000);
    }
    watch.#peakBytes = 0;
    return watch;
  }

  /** Ends the watch: never above the container's limit, and soon as small as before. */
  async expectInsideBudget(): Promise<void> {
    clearInterval(this.#timer);
    const peakBytes = this.#peakBytes + this.#kernelMapBytes;
    console.log(`anonymous memory: ${mb(this.#restBytes)} MB at rest, ${mb(this.#peakBytes)} MB at the most`);
    expect(peakBytes).toBeLessThan(LIMIT_BYTES);
    let nowBytes = 0;
    await until(
      () => `the agent to give its memory back: ${mb(nowBytes)} MB where ${mb(this.#restBytes)} MB was`,
      () => (nowBytes = this.#anonymousBytes()) <= this.#restBytes + KEPT_BYTES,
      { timeoutMs: SETTLE_MS, everyMs: 500 }
    );
  }

  #anonymousBytes(): number {
    const { pid, exitCode, signalCode } = this.#agent.process;
    if (exitCode !== null || signalCode !== null) {
      return 0;
    }
    // Of one that is just ending there is no such line.
    return Number(/^RssAnon:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  }
}

const mb = (bytes: number) => (bytes / 1e6).toFixed(1);
