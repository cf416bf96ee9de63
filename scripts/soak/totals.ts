/** `/metrics` beside the servers' own counts: what each living container has done since it began. */
import { basename } from 'node:path';
import type { Container, Pod } from '../../test/support/pods';

const SIDES = ['server', 'client'] as const;

/** A sample of a histogram's count: its labels, as text, and the value. */
const LINE = /^http_(server|client)_request_duration_seconds_count\{(.*)\} (\d+)$/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

export interface TotalsCheck {
  /** Counts that were compared. */
  compared: number;
  /** One line for each that is not between what was done before and what had begun after. */
  wrong: string[];
}

type Counts = Record<string, number>;
/** By side and cgroup. */
type Totals = Map<string, Counts>;

/**
 * @param scrape asks the agent for its exposition
 * @param count brings what the containers say up to date
 */
export async function checkTotals(
  pods: readonly Pod[],
  scrape: () => Promise<string>,
  count: () => Promise<void>
): Promise<TotalsCheck> {
  const containers = pods.flatMap(({ running }) => running);
  await count();
  const least = didOf(containers, 'done');
  const told = totalsOf(await scrape());
  await count();
  const most = didOf(containers, 'begun');
  const check: TotalsCheck = { compared: 0, wrong: [] };
  for (const [key, begun] of most) {
    for (const [name, high] of Object.entries(begun)) {
      const [low, is] = [least.get(key)?.[name] ?? 0, told.get(key)?.[name] ?? 0];
      check.compared++;
      if (is < low || is > high) {
        check.wrong.push(`${basename(key)} ${name}: /metrics says ${is}, did ${low} to ${high}`);
      }
    }
  }
  return check;
}

function didOf(containers: readonly Container[], what: 'done' | 'begun'): Totals {
  return new Map(
    containers.flatMap(({ owner, process }) =>
      SIDES.map((side) => [`${side} ${owner}`, process.did[side][what]] as const)
    )
  );
}

function totalsOf(exposition: string): Totals {
  const totals: Totals = new Map();
  for (const line of exposition.split('\n')) {
    const [, side, labels, value] = LINE.exec(line) ?? [];
    if (side !== undefined) {
      const of = Object.fromEntries([...labels.matchAll(LABEL)].map(([, name, text]) => [name, text]));
      const key = `${side} ${of.cgroup}`;
      totals.set(key, { ...totals.get(key), [`${of.method} ${of.status}`]: Number(value) });
    }
  }
  return totals;
}
