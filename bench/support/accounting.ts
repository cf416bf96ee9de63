/** The kernel's account of BPF programs, and what keeping it costs. */
import { readFileSync, writeFileSync } from 'node:fs';
import { BpfObject } from '../../native';
import { Build } from '../../test/support/build';
import type { Cgroup } from '../../test/support/cgroup';

const SWITCH = '/proc/sys/kernel/bpf_stats_enabled';

/**
 * On from the start to `stop`. Beside Ringside's programs it runs two that do nothing, on the same packets: what the
 * kernel says these take is the time it needs to take the time, and the call.
 */
export class Accounting {
  readonly #before = readFileSync(SWITCH, 'utf8');
  readonly #build = new Build();
  readonly #empty: BpfObject;

  private constructor(scope: Cgroup) {
    this.#empty = BpfObject.open(this.#build.bpf('bench/bpf/empty.bpf.c'));
    this.#empty.load();
    this.#empty.attachCgroup('empty_ingress', scope.path);
    this.#empty.attachCgroup('empty_egress', scope.path);
    writeFileSync(SWITCH, '1');
  }

  /** @param scope the cgroup that is measured */
  static start(scope: Cgroup): Accounting {
    return new Accounting(scope);
  }

  /** What the empty programs have cost since the start: take it before and after. */
  empty(): { runs: number; nanoseconds: number } {
    const stats = ['empty_ingress', 'empty_egress'].map((program) => this.#empty.stats(program));
    return {
      runs: stats.reduce((sum, { runs }) => sum + runs, 0),
      nanoseconds: stats.reduce((sum, { nanoseconds }) => sum + nanoseconds, 0),
    };
  }

  stop(): void {
    writeFileSync(SWITCH, this.#before);
    this.#empty.close();
    this.#build.remove();
  }
}
