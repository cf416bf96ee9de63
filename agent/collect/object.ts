/** A BPF object of ours on its way into the kernel: sizes, scope, load, attach, and what it reports of itself. */
import { join } from 'node:path';
import { BpfObject, type BpfMap, type ProgramStats } from '../../native';
import type { Status } from '../../wire/status';
import type { ProgramContext } from './program';

export interface ObjectPlan {
  /** Entries by map. */
  sizes: Record<string, number>;
  /** Programs for the cgroup, with the name of their hook. */
  cgroup?: Record<string, string>;
  tracing: TracingPlan[];
  /** Programs that are loaded, and run only when `runIterator` says so. */
  iterators?: IteratorPlan[];
  /** Sets constants in the object's .rodata, before it is loaded. */
  constants?: (rodata: DataView) => void;
}

export interface TracingPlan {
  program: string;
  /** What does not work without it, where it may be missing; a program without this is needed. */
  optional?: string;
}

export interface IteratorPlan extends TracingPlan {
  /** Over whose elements it goes; over all there is without. */
  map?: string;
  /** Another one that does the same: this is loaded only where the kernel does not take that. */
  inPlaceOf?: string;
}

/** Programs that are not loaded, and those of them whose work nobody does. */
interface LeftOut {
  without: readonly TracingPlan[];
  missing: readonly TracingPlan[];
}

type ProgramReport = Status['programs'][number];

/** What is in the kernel: loaded by this process, or pinned by whomever. */
interface KernelObject {
  map(name: string): BpfMap;
  stats(program: string): ProgramStats;
  runIterator(program: string, map?: string): Uint8Array;
  kernelMapBytes(): number;
  close(): void;
}

export class LoadedObject {
  readonly #object: KernelObject;
  readonly #attached: Array<{ program: string; attach: string }>;
  readonly #off: readonly ProgramReport[];

  private constructor(
    object: KernelObject,
    { attached, off }: { attached: Array<{ program: string; attach: string }>; off: readonly ProgramReport[] },
    /** Whether it was loaded now, and nothing was ever counted. */
    readonly isNew: boolean
  ) {
    this.#object = object;
    this.#attached = attached;
    this.#off = off;
  }

  /** Loads and attaches, or takes over what is pinned. A failure leaves nothing attached, and is a `BpfError` that names the step. */
  static open(name: string, context: ProgramContext, plan: ObjectPlan): LoadedObject {
    if (context.pins?.has(name)) {
      const pinned = context.pins.object(name);
      return new LoadedObject(pinned, pinned.report, context.pins.isNew);
    }
    const path = join(context.objects, `${name}.bpf.o`);
    const attempts = attemptsOf(plan);
    for (;;) {
      try {
        return LoadedObject.#load(name, path, context, plan, attempts.shift()!);
      } catch (error) {
        // One that this kernel does not take must not cost the others.
        if (attempts.length === 0 || (error as { step?: string }).step !== 'load') {
          throw error;
        }
      }
    }
  }

  static #load(
    name: string,
    path: string,
    context: ProgramContext,
    plan: ObjectPlan,
    { without, missing }: LeftOut
  ): LoadedObject {
    const object = BpfObject.open(path);
    try {
      const sectionOf = (program: string) => object.programs.find((each) => each.name === program)?.section ?? name;
      const attached: Array<{ program: string; attach: string }> = [];
      const off: ProgramReport[] = [];
      for (const [map, entries] of Object.entries(plan.sizes)) {
        object.setMaxEntries(map, entries);
      }
      without.forEach(({ program }) => object.setAutoload(program, false));
      for (const { program, optional } of missing) {
        off.push({ name: program, attach: sectionOf(program), state: 'off', reason: optional });
      }
      if (plan.constants) {
        const { buffer, byteOffset, byteLength } = object.rodata();
        plan.constants(new DataView(buffer, byteOffset, byteLength));
      }
      object.load();
      for (const [program, attach] of Object.entries(plan.cgroup ?? {})) {
        object.attachCgroup(program, context.scope.path);
        attached.push({ program, attach });
      }
      for (const { program } of plan.tracing.filter((tracing) => !without.includes(tracing))) {
        object.attach(program);
        attached.push({ program, attach: sectionOf(program) });
      }
      const iterators = plan.iterators?.filter((iterator) => !without.includes(iterator)) ?? [];
      const report = {
        attached: [...attached, ...iterators.map(({ program }) => ({ program, attach: sectionOf(program) }))],
        off,
      };
      if (!context.pins) {
        return new LoadedObject(new OwnObject(object), report, true);
      }
      context.pins.add(name, object, { attached: attached.map(({ program }) => program), iterators, report });
      object.close();
      return new LoadedObject(context.pins.object(name), report, true);
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
    return this.#object.kernelMapBytes();
  }

  close(): void {
    this.#object.close();
  }
}

/** As planned; with what does the same instead; without anything that may be missing. */
function attemptsOf({ tracing, iterators = [] }: ObjectPlan): LeftOut[] {
  const substitutes = iterators.filter(({ inPlaceOf }) => inPlaceOf !== undefined);
  const replaced = iterators.filter(({ program }) => substitutes.some(({ inPlaceOf }) => inPlaceOf === program));
  const optional = [...tracing, ...iterators].filter((each) => each.optional !== undefined);
  return [
    { without: substitutes, missing: [] },
    ...(substitutes.length > 0 ? [{ without: replaced, missing: [] }] : []),
    ...(optional.length > 0 ? [{ without: [...optional, ...substitutes], missing: optional }] : []),
  ];
}

class OwnObject implements KernelObject {
  constructor(private readonly object: BpfObject) {}

  map(name: string): BpfMap {
    return this.object.map(name);
  }

  stats(program: string): ProgramStats {
    return this.object.stats(program);
  }

  runIterator(program: string, map?: string): Uint8Array {
    return this.object.runIterator(program, map);
  }

  kernelMapBytes(): number {
    return this.object.maps.reduce((sum, { name }) => sum + this.object.map(name).kernelBytes(), 0);
  }

  close(): void {
    this.object.close();
  }
}
