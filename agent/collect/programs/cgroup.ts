/** Cgroups as they come and go: what `bpf/cgroup.bpf.c` tells. */
import type { CgroupEvents, CgroupListener } from '../../identity/cgroups';
import {
  CGROUP_EVENT_SIZE,
  CgroupChange,
  CgroupEventOffsets,
  readCgroupAccounts,
  readCgroupEvent,
  rodata,
  type CgroupEvent,
} from '../generated/cgroup';
import { LoadedObject } from '../object';
import type { ProgramContext, ProgramStatus } from '../program';
import { setScope } from '../scope';

const PATH_BYTES = CGROUP_EVENT_SIZE - CgroupEventOffsets.path;

/** Who has to know of a cgroup, should this agent end at the next step. */
export interface CgroupNotes {
  add(cgroupId: bigint, path: string): void;
}

export class CgroupProgram implements CgroupEvents {
  readonly #object: LoadedObject;
  readonly #accounts: DataView;
  readonly #notes: CgroupNotes | undefined;
  #lost = 0n;

  /** @param notes where the path of a cgroup is noted before the kernel's word of it is taken, and gone */
  constructor(context: ProgramContext, notes?: CgroupNotes) {
    this.#notes = notes;
    this.#object = LoadedObject.open('cgroup', context, {
      sizes: {},
      constants: (image) => setScope(image, rodata, context.scope),
      tracing: [{ program: 'cgroup_made' }, { program: 'cgroup_removed' }, { program: 'cgroup_released' }],
    });
    this.#accounts = new DataView(this.#object.map('accounts').memory());
  }

  drain(into: CgroupListener): boolean {
    const queue = this.#object.map('events');
    let complete = true;
    for (let bytes = queue.peek(); bytes !== null; bytes = queue.peek()) {
      const event = readCgroupEvent(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
      if (event.change === CgroupChange.CGROUP_MADE && event.pathBytes >= PATH_BYTES) {
        // Its path is longer than what there is room for: it has to be looked for.
        complete = false;
      } else {
        if (event.change === CgroupChange.CGROUP_MADE) {
          this.#notes?.add(event.cgroupId, event.path);
        }
        tell(event, into);
      }
      queue.pop();
    }
    const { lost } = readCgroupAccounts(this.#accounts);
    complete &&= lost === this.#lost;
    this.#lost = lost;
    return complete;
  }

  status(): ProgramStatus {
    const lost = Number(readCgroupAccounts(this.#accounts).lost);
    const help = 'Changes of cgroups that were not told, as the agent was held up: it has looked for itself.';
    return {
      programs: this.#object.programs(),
      series: [],
      losses: [{ program: 'cgroup', counter: 'lost', value: lost, help }],
      notices:
        lost === 0
          ? []
          : [
              `The agent was held up while cgroups came and went, and ${lost} changes were not told. ` +
                'What was made and removed meanwhile has no name but “removed:” and a number.',
            ],
      kernelMapBytes: this.#object.kernelMapBytes(),
    };
  }

  close(): void {
    this.#object.close();
  }
}

function tell({ cgroupId, change, path }: CgroupEvent, into: CgroupListener): void {
  switch (change) {
    case CgroupChange.CGROUP_MADE:
      return into.made(cgroupId, path);
    case CgroupChange.CGROUP_REMOVED:
      return into.removed(cgroupId);
    case CgroupChange.CGROUP_RELEASED:
      return into.released(cgroupId);
  }
}
