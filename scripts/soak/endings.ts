/** How the agent's lives end: asked to, as in an upgrade, or killed where it stands; and when the next one begins. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { SoakAgent } from './agent';
import type { Random } from './random';

/** The agent reads the kernel at every whole second; a kill that is to meet it in the middle of that comes around then. */
const TICK_MS = 1_000;
const AROUND_TICK_MS = [-4, 40] as const;
/** Of a life that is to end around a tick: from the moment it measures and answers to that second. */
const LIFE_MS = [0, 1_500] as const;
/** Of any other, from its start: some do not live to answer. */
const ANY_MS = [0, 2_500] as const;
const AROUND_TICK = 0.5;
/** Between two lives, where the next one does not begin at once. */
const PAUSE_MS = [0, 600] as const;

export interface Ending {
  /** When, by the wall clock. */
  timeMs: number;
  signal: 'SIGTERM' | 'SIGKILL';
  /** Until its process was gone, and how long nothing ran after it. */
  pauseMs: number;
  /** From the start of the next life until it measured and answered; absent where that did not live so long. */
  readySeconds?: number;
}

export class Endings {
  readonly all: Ending[] = [];
  readonly #agent: SoakAgent;
  readonly #random: Random;

  constructor(agent: SoakAgent, random: Random) {
    this.#agent = agent;
    this.#random = random;
  }

  get kills(): number {
    return this.all.filter(({ signal }) => signal === 'SIGKILL').length;
  }

  /** Ends it once it has been ready, and waits until the next one is. */
  async restart(): Promise<void> {
    const signal = this.all.length % 2 === 0 ? 'SIGTERM' : 'SIGKILL';
    const ending = await this.#end(signal);
    const startedMs = performance.now();
    this.#agent.spawn();
    await this.#agent.ready();
    ending.readySeconds = (performance.now() - startedMs) / 1000;
  }

  /**
   * Kills it at a random moment of its life, of which it has just been told to begin: half of the time around a tick, as
   * most of what can go wrong goes wrong there. Begins the next one, and does not wait for it.
   */
  async kill(): Promise<void> {
    const random = this.#random;
    const startedMs = performance.now();
    const last = this.all.at(-1);
    const ready = this.#agent.ready().then((isReady) => {
      if (isReady && last) {
        last.readySeconds = (performance.now() - startedMs) / 1000;
      }
    });
    if (random.chance(AROUND_TICK)) {
      await ready;
      const tickMs = Math.ceil((Date.now() + random.between(...LIFE_MS)) / TICK_MS) * TICK_MS;
      await sleep(Math.max(0, tickMs + random.between(...AROUND_TICK_MS) - Date.now()));
    } else {
      // It may be loading, taking over what is pinned, or reading its history.
      await sleep(random.between(...ANY_MS));
    }
    await this.#end('SIGKILL');
    this.#agent.spawn();
  }

  async #end(signal: Ending['signal']): Promise<Ending> {
    const timeMs = Date.now();
    await this.#agent.end(signal);
    if (this.#random.chance(0.5)) {
      await sleep(this.#random.between(...PAUSE_MS));
    }
    const ending: Ending = { timeMs, signal, pauseMs: Date.now() - timeMs };
    this.all.push(ending);
    return ending;
  }
}
