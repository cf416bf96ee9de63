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

/** A program that was not there before. */
const NOTHING: Total = { runs: 0, nanoseconds: 0 };

export interface Reading {
  programs: ReadonlyMap<string, Total>;
  /** Of those that do nothing. */
  first: Total;
  last: Total;
}

/** Nanoseconds; of those that ran. */
export interface Cost {
  programs: Array<Total & { name: string; accounted: number }>;
  /** Of all of them. */
  sum: number;
  /** The same with the account's own time, as the kernel tells it … */
  accounted: number;
  /** … which is this much a run … */
  perRun: number;
  /** … and this much for a program that comes first on a packet. */
  perFirstRun: number;
}

/**
 * On from the start to `stop`, or to the end of this process. On the same packets as the programs that are measured run
 * others that do nothing: one before them, and one after them, of whose runs the kernel says what it takes to take the
 * time. The one before is there for what the first look at the clock costs on a packet: its code and its data come from
 * far then, and nobody else has to pay that.
 */
export class Accounting {
  readonly #build = new Build();
  readonly #object = this.#build.bpf('bench/bpf/empty.bpf.c');
  readonly #disable = enableStats();
  readonly #empty: BpfObject[] = [];

  private constructor(private readonly scope: Cgroup) {}

  /**
   * @param scope the cgroup that is measured
   * @param attach makes the programs that are measured; programs of a cgroup run in the order in which they came
   */
  static async around<T>(scope: Cgroup, attach: () => Promise<T>): Promise<[Accounting, T]> {
    const accounting = new Accounting(scope);
    try {
      accounting.#attach();
      const attached = await attach();
      accounting.#attach();
      return [accounting, attached];
    } catch (error) {
      accounting.stop();
      throw error;
    }
  }

  #attach(): void {
    const empty = BpfObject.open(this.#object);
    this.#empty.push(empty);
    empty.load();
    empty.attachCgroup('empty_ingress', this.scope.path);
    empty.attachCgroup('empty_egress', this.scope.path);
  }

  /** Where the accounts stand. @param status what the agent says of its programs */
  read({ programs }: Status): Reading {
    const totals = programs.filter(isOfTraffic).map(({ name, runs = 0, nanosecondsPerRun = 0 }) => {
      return [name, { runs, nanoseconds: runs * nanosecondsPerRun }] as const;
    });
    const [first, last] = this.#empty.map((empty) => added(empty.stats('empty_ingress'), empty.stats('empty_egress')));
    return { programs: new Map(totals), first, last };
  }

  /** What ran since, with the account's own time taken off. */
  since(before: Reading, status: Status): Cost {
    const now = this.read(status);
    const [perRun, perFirstRun] = [less(now.last, before.last), less(now.first, before.first)].map(
      ({ runs, nanoseconds }) => nanoseconds / runs
    );
    const programs = [...now.programs].flatMap(([name, total]) => {
      const { runs, nanoseconds } = less(total, before.programs.get(name) ?? NOTHING);
      return runs > 0 ? [{ name, runs, accounted: nanoseconds, nanoseconds: nanoseconds - runs * perRun }] : [];
    });
    const sum = programs.reduce((all, { nanoseconds }) => all + nanoseconds, 0);
    const accounted = programs.reduce((all, each) => all + each.accounted, 0);
    return { programs, sum, accounted, perRun, perFirstRun };
  }

  stop(): void {
    this.#disable();
    this.#empty.forEach((empty) => empty.close());
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
