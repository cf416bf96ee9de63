/** A scripted TCP peer: a process of its own, in a cgroup of its own, that does on the wire exactly what a test says. */
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { Cgroup } from './cgroup';
import type { Conversation, LoadAnswer, LoadPlan, Order, Reply, Step } from './script';

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;

export class Peer {
  readonly #waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  #nextId = 1;

  private constructor(readonly process: ChildProcess) {
    process.on('message', (reply: Reply) => {
      const waiter = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      if ('error' in reply) {
        waiter?.reject(new Error(reply.error));
      } else {
        waiter?.resolve(reply.result as never);
      }
    });
    process.on('exit', (code, signal) => {
      this.#waiting.forEach(({ reject }) => reject(new Error(`The peer's process ended (${signal ?? code})`)));
    });
  }

  /** Ends with the cgroup, or by `stop`. */
  static start(cgroup: Cgroup, { netns }: { netns?: string } = {}): Peer {
    const program = join(__dirname, 'peer.process.ts');
    const stdio: Array<'ignore' | 'inherit' | 'ipc'> = ['ignore', 'inherit', 'inherit', 'ipc'];
    const env = { ...process.env, NODE_OPTIONS: '' };
    return new Peer(cgroup.spawn(process.execPath, ['--require', 'tsx/cjs', program], { netns, stdio, env }));
  }

  /**
   * @param scripts the n-th connection gets the n-th script, the last one serves all that come after
   * @param host `127.0.0.1`, `::1`, or an address of the namespace
   * @param port 0 or absent: the kernel chooses
   * @returns the port
   */
  listen(scripts: Step[][], { host = '127.0.0.1', port = 0 } = {}): Promise<number> {
    return this.#order({ do: 'listen', host, port, scripts });
  }

  /** Opens a connection and plays the script to its end, then closes what is still open. */
  connect(
    port: number,
    script: Step[],
    { host = '127.0.0.1', stepTimeoutMs }: { host?: string; stepTimeoutMs?: number } = {}
  ): Promise<Conversation> {
    return this.#order({ do: 'connect', host, port, script, stepTimeoutMs });
  }

  /** Of a listener: what its connections lived through, when all of at least `count` of them have ended. */
  conversations(port: number, count = 1): Promise<Conversation[]> {
    return this.#order({ do: 'conversations', port, count });
  }

  /** Waits until a script has come to a gate. */
  arrival(gate: string): Promise<void> {
    return this.#order({ do: 'arrival', gate });
  }

  /** Lets scripts go on that wait at a gate. */
  open(gate: string): Promise<void> {
    return this.#order({ do: 'open', gate });
  }

  /** Sends HTTP requests with Node's own client. */
  requests(plan: LoadPlan): Promise<LoadAnswer[]> {
    return this.#order({ do: 'requests', plan });
  }

  /** Ends the process: the kernel closes its sockets. */
  async stop(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const exited = new Promise((resolve) => this.process.once('exit', resolve));
      this.process.disconnect();
      await exited;
    }
  }

  #order<T>(order: WithoutId<Order>): Promise<T> {
    const id = this.#nextId++;
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: never) => void, reject });
      this.process.send({ ...order, id });
    });
  }
}
