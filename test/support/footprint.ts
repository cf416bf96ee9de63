/** Everything a process tree has on the machine, named by what nothing else can have: to be looked for afterwards. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupMount } from './requirements';

type BpfKind = 'prog' | 'map' | 'link';
const BPF_KINDS: readonly BpfKind[] = ['prog', 'map', 'link'];

export class Footprint {
  private constructor(
    /** Pid and start time: a pid alone may be another process by now. */
    readonly processes: ReadonlyMap<number, string>,
    readonly bpf: Readonly<Record<BpfKind, ReadonlySet<number>>>,
    readonly cgroups: readonly string[]
  ) {}

  /** Of a process, all that descend from it, and the cgroups whose name starts so. */
  static of(pid: number, cgroupPrefix: string): Footprint {
    const pids = withDescendants(pid);
    const ids = (kind: BpfKind) => new Set(pids.flatMap((each) => bpfIdsOf(each, kind)));
    const root = cgroupMount();
    return new Footprint(
      new Map(pids.map((each) => [each, startTime(each) ?? ''])),
      { prog: ids('prog'), map: ids('map'), link: ids('link') },
      readdirSync(root)
        .filter((name) => name.startsWith(cgroupPrefix))
        .map((name) => join(root, name))
    );
  }

  /** What of it is still there, one line each. */
  left(): string[] {
    return [
      ...[...this.processes]
        .filter(([pid, since]) => startTime(pid) === since)
        .map(([pid]) => `process ${pid}: ${commandOf(pid)}`),
      ...BPF_KINDS.flatMap((kind) => {
        const present = new Set(bpfIds(kind));
        return [...this.bpf[kind]].filter((id) => present.has(id)).map((id) => `bpf ${kind} ${id}`);
      }),
      ...this.cgroups.filter(existsSync).map((path) => `cgroup ${path}`),
    ];
  }
}

function withDescendants(pid: number): number[] {
  const parents = new Map(allPids().map((each) => [each, statOf(each)?.parent]));
  const found = [pid];
  for (const each of found) {
    found.push(...[...parents].filter(([, parent]) => parent === each).map(([child]) => child));
  }
  return found;
}

function allPids(): number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger);
}

/** Of a process that runs: one that has ended and waits to be collected by its parent is gone for our purpose. */
function statOf(pid: number): { parent: number; startTime: string } | undefined {
  try {
    // Fields are counted from behind the name, which may hold anything: "12 (a ) b) S 1 …".
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : { parent: Number(fields[1]), startTime: fields[19] };
  } catch {
    return undefined;
  }
}

function startTime(pid: number): string | undefined {
  return statOf(pid)?.startTime;
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

/** The ids of the BPF objects a process has open, from /proc/PID/fdinfo: "prog_id:\t12". */
function bpfIdsOf(pid: number, kind: BpfKind): number[] {
  const folder = `/proc/${pid}/fdinfo`;
  return readdirSync(folder).flatMap((fd) => {
    try {
      const id = new RegExp(`^${kind}_id:\\s*(\\d+)$`, 'm').exec(readFileSync(join(folder, fd), 'utf8'))?.[1];
      return id === undefined ? [] : [Number(id)];
    } catch {
      return [];
    }
  });
}

/** All of this kernel's. */
function bpfIds(kind: BpfKind): number[] {
  const list: Array<{ id: number }> = JSON.parse(
    execFileSync('/usr/sbin/bpftool', ['-j', kind, 'show'], { encoding: 'utf8' })
  );
  return list.map(({ id }) => id);
}
