/** The kernel's account of BPF programs, and what keeping it costs. */
import { BpfObject, enableStats } from '../../native';
import { Build } from '../../test/support/build';
import type { Cgroup } from '../../test/support/cgroup';
import type { Status } from '../../wire/status';

/** What programs have cost so far. */
interface Total {
  runs: number;
  nanoseconds: number;
}

const NOTHING: Total = { runs: 0, nanoseconds: 0 };

export interface Reading {
  programs: ReadonlyMap<string, Total>;
  empty: Total;
}

/** Nanoseconds; of those that ran. */
export interface Cost {
  programs: Array<Total & { name: string; accounted: number }>;
  /** Of all of them. */
  sum: number;
  /** The same with the account's own time, as the kernel tells it … */
  accounted: number;
  /** … which is this much a run. */
  perRun: number;
}

/**
 * On from the start to `stop`, or to the end of this process. Beside Ringside's programs it runs two that do nothing, on the same packets: what the
 * kernel says these take is the time it needs to take the time, and the call.
 */
export class Accounting {
  readonly #build = new Build();
  readonly #empty: BpfObject;
  readonly #disable: () => void;

  private constructor(scope: Cgroup) {
    this.#empty = BpfObject.open(this.#build.bpf('bench/bpf/empty.bpf.c'));
    this.#empty.load();
    this.#empty.attachCgroup('empty_ingress', scope.path);
    this.#empty.attachCgroup('empty_egress', scope.path);
    this.#disable = enableStats();
  }

  /** @param scope the cgroup that is measured */
  static start(scope: Cgroup): Accounting {
    return new Accounting(scope);
  }

  /** Where the accounts stand. @param status what the agent says of its programs */
  read({ programs }: Status): Reading {
    const totals = programs.filter(isOfTraffic).map(({ name, runs = 0, nanosecondsPerRun = 0 }) => {
      return [name, { runs, nanoseconds: runs * nanosecondsPerRun }] as const;
    });
    const empty = ['empty_ingress', 'empty_egress'].map((program) => this.#empty.stats(program));
    return { programs: new Map(totals), empty: empty.reduce(added, NOTHING) };
  }

  /** What ran since, with the account's own time taken off. */
  since(before: Reading, status: Status): Cost {
    const now = this.read(status);
    const empty = less(now.empty, before.empty);
    const perRun = empty.nanoseconds / empty.runs;
    const programs = [...now.programs].flatMap(([name, total]) => {
      const { runs, nanoseconds } = less(total, before.programs.get(name) ?? NOTHING);
      return runs > 0 ? [{ name, runs, accounted: nanoseconds, nanoseconds: nanoseconds - runs * perRun }] : [];
    });
    const sum = programs.reduce((all, { nanoseconds }) => all + nanoseconds, 0);
    const accounted = programs.reduce((all, each) => all + each.accounted, 0);
    return { programs, sum, accounted, perRun };
  }

  stop(): void {
    this.#disable();
    this.#empty.close();
    this.#build.remove();
  }
}

/** What runs once a second, or when a cgroup comes or goes, is no request's cost. */
function isOfTraffic({ attach }: Status['programs'][number]): boolean {
  return !/^iter\/|\/cgroup_/.test(attach);
}

function added(a: Total, b: Total): Total {
  return { runs: a.runs + b.runs, nanoseconds: a.nanoseconds + b.nanoseconds };
}

function less(a: Total, b: Total): Total {
  return { runs: a.runs - b.runs, nanoseconds: a.nanoseconds - b.nanoseconds };
}
