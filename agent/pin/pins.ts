/** Whether what measures is pinned: takes over, makes anew, or says in one sentence why it has to do without. */
import type { Status } from '../../wire/status';
import { Refusal } from '../refusal';
import type { DurableMemory, Past } from './durable';
import { PinDirectory, PinProblem, PinsAreHeld } from './pin-directory';
import { PinSet } from './pin-set';

/** As long as an agent takes to close, and some: in a rolling restart the next one waits for it. */
const PATIENCE_MS = 8_000;

export interface UseOptions<Measuring> {
  layout: string;
  past: Past;
  /** How many stores one record can need. */
  stores: number;
  /** Begins to measure, with the set or without. */
  measure(set?: PinSet): Measuring;
}

export class Pins {
  readonly #directory: PinDirectory | undefined;
  /** What was asked for and is not so, in one sentence. */
  #problem: string | undefined;
  #set: PinSet | undefined;

  private constructor(directory?: PinDirectory, problem?: string) {
    this.#directory = directory;
    this.#problem = problem;
  }

  /**
   * @param path of the directory; undefined when nothing is to be pinned
   * @throws Refusal when another agent has it, and keeps it
   */
  static async open(path: string | undefined): Promise<Pins> {
    if (path === undefined) {
      return new Pins();
    }
    try {
      return new Pins(await PinDirectory.open(path, PATIENCE_MS));
    } catch (error) {
      if (error instanceof PinsAreHeld) {
        throw new Refusal(
          `--pin ${path}: another agent measures with what is pinned there, and did not end within ` +
            `${PATIENCE_MS / 1000} s. Stop it, or give this one a directory of its own.`
        );
      }
      if (!(error instanceof PinProblem)) {
        throw error;
      }
      return new Pins(undefined, `--pin: ${error.message} Measuring goes on without pins.`);
    }
  }

  /**
   * Begins to measure: with what is pinned of this layout, else with a new set, else without pins. Sets of other layouts
   * are removed when this one counts, so that there is no moment at which none does.
   */
  use<Measuring>({ layout, past, stores, measure }: UseOptions<Measuring>): Measuring {
    const directory = this.#directory;
    if (!directory) {
      return measure();
    }
    let set: PinSet | undefined;
    try {
      const path = directory.find(layout);
      set =
        path === undefined
          ? PinSet.create(directory.begin(layout), past, { stores, nowMs: Date.now() })
          : PinSet.open(path, past);
      const measuring = measure(set);
      if (set.isNew) {
        set.rename(directory.nameOf(layout));
      }
      directory.removeSets(set.path);
      this.#set = set;
      return measuring;
    } catch (error) {
      set?.close();
      return this.#doWithout(error, set, measure);
    }
  }

  #doWithout<Measuring>(error: unknown, set: PinSet | undefined, measure: () => Measuring): Measuring {
    if (!set || set.isNew) {
      // What is there of it is of no use. Where it cannot be removed, the next agent will.
      ignoring(() => this.#directory!.removeSets());
    }
    // What is wrong with the programs themselves is wrong without pins, too, and is thrown here.
    const measuring = measure();
    const { path } = this.#directory!;
    const { message } = Object(error) as { message?: unknown };
    this.#problem =
      `--pin: what is pinned in ${path} cannot be used, and measuring goes on without: ` +
      `${String(message ?? error).replace(/\.$/, '')}. Run "ringside-agent detach --pin ${path}" and start again.`;
    return measuring;
  }

  /** Where it is kept what was told; undefined without pins. */
  get memory(): DurableMemory | undefined {
    return this.#set?.memory;
  }

  get warnings(): string[] {
    return this.#problem === undefined ? [] : [this.#problem];
  }

  get status(): NonNullable<Status['pins']> {
    return this.#set
      ? { state: 'pinned', reason: '', directory: this.#set.path, sinceMs: this.#set.memory.createdMs }
      : { state: 'off', reason: this.#problem ?? 'Nobody asked for it: see --pin.' };
  }

  /** Another agent may take the directory. To be called last. */
  release(): void {
    this.#directory?.release();
  }
}

function ignoring(attempt: () => void): void {
  try {
    attempt();
  } catch {
    // As the caller says.
  }
}
