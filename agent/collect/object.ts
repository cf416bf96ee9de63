/** A BPF object of ours on its way into the kernel: sizes, scope, load, attach, and what it reports of itself. */
import { join } from 'node:path';
import { BpfObject, type BpfMap } from '../../native';
import type { Status } from '../../wire/status';
import type { ProgramContext } from './program';

export interface ObjectPlan {
  /** Entries by map. */
  sizes: Record<string, number>;
  /** Programs for the cgroup, with the name of their hook. */
  cgroup?: Record<string, string>;
  tracing: TracingPlan[];
  /** Programs that are loaded, and run only when `runIterator` says so. */
  iterators?: TracingPlan[];
  /** Sets constants in the object's .rodata, before it is loaded. */
  constants?: (rodata: DataView) => void;
}

export interface TracingPlan {
  program: string;
  /** What does not work without it, where it may be missing; a program without this is needed. */
  optional?: string;
}

type ProgramReport = Status['programs'][number];

export class LoadedObject {
  readonly #name: string;
  readonly #object: BpfObject;
  readonly #attached: Array<{ program: string; attach: string }> = [];
  readonly #off: ProgramReport[] = [];

  private constructor(name: string, object: BpfObject) {
    this.#name = name;
    this.#object = object;
  }

  /** Loads and attaches. A failure leaves nothing attached, and is a `BpfError` that names the step. */
  static open(name: string, context: ProgramContext, plan: ObjectPlan): LoadedObject {
    const path = join(context.objects, `${name}.bpf.o`);
    const optional = [...plan.tracing, ...(plan.iterators ?? [])].filter((tracing) => tracing.optional !== undefined);
    try {
      return LoadedObject.#load(name, path, context, plan, []);
    } catch (error) {
      if (optional.length === 0 || (error as { step?: string }).step !== 'load') {
        throw error;
      }
      // One that this kernel does not take must not cost the others.
      return LoadedObject.#load(name, path, context, plan, optional);
    }
  }

  static #load(
    name: string,
    path: string,
    context: ProgramContext,
    plan: ObjectPlan,
    without: TracingPlan[]
  ): LoadedObject {
    const object = BpfObject.open(path);
    try {
      const loaded = new LoadedObject(name, object);
      for (const [map, entries] of Object.entries(plan.sizes)) {
        object.setMaxEntries(map, entries);
      }
      for (const { program, optional } of without) {
        object.setAutoload(program, false);
        loaded.#off.push({ name: program, attach: loaded.#sectionOf(program), state: 'off', reason: optional });
      }
      if (plan.constants) {
        const { buffer, byteOffset, byteLength } = object.rodata();
        plan.constants(new DataView(buffer, byteOffset, byteLength));
      }
      object.load();
      for (const [program, attach] of Object.entries(plan.cgroup ?? {})) {
        object.attachCgroup(program, context.scope.path);
        loaded.#attached.push({ program, attach });
      }
      for (const { program } of plan.tracing.filter((tracing) => !without.includes(tracing))) {
        object.attach(program);
        loaded.#attached.push({ program, attach: loaded.#sectionOf(program) });
      }
      for (const { program } of plan.iterators?.filter((iterator) => !without.includes(iterator)) ?? []) {
        loaded.#attached.push({ program, attach: loaded.#sectionOf(program) });
      }
      return loaded;
    } catch (error) {
      object.close();
      throw error;
    }
  }

  map(name: string): BpfMap {
    return this.#object.map(name);
  }

  /** Gives the kernel the slots from `first` up to `end`, in that order. */
  fillQueue(queue: string, first: number, end: number): void {
    const map = this.#object.map(queue);
    const value = new Uint32Array(1);
    for (value[0] = first; value[0] < end; value[0]++) {
      map.push(value);
    }
  }

  /** Whether the kernel took the program. */
  has(program: string): boolean {
    return this.#attached.some((attached) => attached.program === program);
  }

  /** Runs an iterator once over all there is, or over the elements of a map. */
  runIterator(program: string, map?: string): void {
    this.#object.runIterator(program, map);
  }

  programs(): ProgramReport[] {
    const running = this.#attached.map(({ program, attach }) => {
      const { runs, nanoseconds } = this.#object.stats(program);
      const cost = runs > 0 ? { runs, nanosecondsPerRun: nanoseconds / runs } : {};
      return { name: program, attach, state: 'running' as const, ...cost };
    });
    return [...running, ...this.#off];
  }

  /** Times the kernel did not run a program, because it was running on that CPU already. */
  misses(): number {
    return this.#attached.reduce((sum, { program }) => sum + this.#object.stats(program).misses, 0);
  }

  notices(): string[] {
    return this.#off.map(({ name, reason }) => `${name} is off: ${reason}.`);
  }

  kernelMapBytes(): number {
    return this.#object.maps.reduce((sum, { name }) => sum + this.#object.map(name).kernelBytes(), 0);
  }

  close(): void {
    this.#object.close();
  }

  #sectionOf(program: string): string {
    return this.#object.programs.find(({ name }) => name === program)?.section ?? this.#name;
  }
}
