/** Plays a script on one TCP connection. Runs in a peer's process. */
import type { Socket } from 'node:net';
import type { Conversation, Step } from './script';
import { PATIENCE } from './wait';

const KEPT_BYTES = 1 << 20;
/** Longer than it takes to load the programs, for which tests keep connections open. */
const STEP_TIMEOUT_MS = 30_000 * PATIENCE;
const FILLER = Buffer.alloc(65_536, 'x');

/** A place where scripts wait for the test, and the test for scripts. */
class Gate {
  arrive!: () => void;
  open!: () => void;
  readonly arrival = new Promise<void>((resolve) => (this.arrive = resolve));
  readonly opened = new Promise<void>((resolve) => (this.open = resolve));
}

const gates = new Map<string, Gate>();

export function gate(name: string): Gate {
  const known = gates.get(name) ?? new Gate();
  gates.set(name, known);
  return known;
}

/** A step that cannot be done (the other side has gone, or says nothing) ends the script, not the process. */
export async function play(socket: Socket, script: readonly Step[], stepTimeoutMs = STEP_TIMEOUT_MS): Promise<Conversation> {
  const player = new Player(socket, stepTimeoutMs);
  try {
    for (const step of script) {
      await player.step(step);
    }
  } catch (error) {
    player.conversation.failure = (error as Error).message;
  }
  socket.destroy();
  return player.conversation;
}

class Player {
  readonly conversation: Conversation = {
    received: '',
    receivedBytes: 0,
    sentBytes: 0,
    ended: 'open',
    sentNanoseconds: [],
    receivedNanoseconds: [],
  };
  /** What no `receive` has taken yet. */
  #unread = '';
  #wake: () => void = () => {};

  constructor(
    readonly socket: Socket,
    readonly stepTimeoutMs: number
  ) {
    const { conversation } = this;
    socket.on('data', (data) => {
      const text = data.toString('latin1');
      conversation.receivedBytes += data.length;
      this.#unread += text;
      if (conversation.received.length < KEPT_BYTES) {
        conversation.received += text;
      }
      this.#wake();
    });
    const ended = (how: string) => {
      if (conversation.ended === 'open') {
        conversation.ended = how;
      }
      this.#wake();
    };
    socket.on('end', () => ended('fin'));
    socket.on('error', (error: NodeJS.ErrnoException) => ended(error.code ?? error.message));
  }

  async step(step: Step): Promise<void> {
    if ('send' in step) {
      const { times = 1, pauseMs = 0 } = step as { times?: number; pauseMs?: number };
      for (let i = 0; i < times; i++) {
        this.conversation.sentNanoseconds.push(now());
        await this.#write(Buffer.from(step.send, 'latin1'));
        await pause(pauseMs);
      }
    } else if ('dribble' in step) {
      for (const character of step.dribble) {
        await this.#write(Buffer.from(character, 'latin1'));
        await pause(step.pauseMs ?? 0);
      }
    } else if ('fill' in step) {
      for (let left = step.fill; left > 0; left -= FILLER.length) {
        await this.#write(FILLER.subarray(0, Math.min(left, FILLER.length)));
      }
    } else if ('receive' in step) {
      for (let i = 0; i < (step.times ?? 1); i++) {
        await this.#receive(step.receive);
      }
    } else if ('receiveBytes' in step) {
      await this.#wait(`${step.receiveBytes} bytes`, () => this.#unread.length >= step.receiveBytes);
      this.#take(step.receiveBytes);
    } else if ('receiveEnd' in step) {
      await this.#wait('the end', () => this.conversation.ended !== 'open');
    } else if ('end' in step) {
      await new Promise<void>((resolve) => this.socket.end(resolve));
    } else if ('reset' in step) {
      this.socket.resetAndDestroy();
    } else if ('gate' in step) {
      gate(step.gate).arrive();
      await gate(step.gate).opened;
    } else if ('stopReading' in step) {
      this.socket.pause();
    } else {
      await pause(step.pauseMs);
    }
  }

  #write(bytes: Buffer): Promise<void> {
    this.conversation.sentBytes += bytes.length;
    return new Promise((resolve, reject) => this.socket.write(bytes, (error) => (error ? reject(error) : resolve())));
  }

  async #receive(text: string): Promise<void> {
    let at = 0;
    await this.#wait(JSON.stringify(text.slice(0, 80)), () => {
      const found = this.#unread.indexOf(text, at);
      // Megabytes may come before it: what was searched once is not searched again.
      at = found >= 0 ? found : Math.max(0, this.#unread.length - text.length);
      return found >= 0;
    });
    this.#take(at + text.length);
  }

  #take(bytes: number): void {
    this.#unread = this.#unread.slice(bytes);
    this.conversation.receivedNanoseconds.push(now());
  }

  async #wait(what: string, arrived: () => boolean): Promise<void> {
    let expired = false;
    const timer = setTimeout(() => {
      expired = true;
      this.#wake();
    }, this.stepTimeoutMs);
    while (!arrived()) {
      if (expired || this.conversation.ended !== 'open') {
        clearTimeout(timer);
        throw new Error(`Waited for ${what}: ${expired ? `${this.stepTimeoutMs} ms` : this.conversation.ended}`);
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    clearTimeout(timer);
  }
}

function now(): number {
  return Number(process.hrtime.bigint());
}

function pause(milliseconds: number): Promise<void> | void {
  return milliseconds > 0 ? new Promise((resolve) => setTimeout(resolve, milliseconds)) : undefined;
}
