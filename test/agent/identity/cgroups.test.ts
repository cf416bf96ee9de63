import { mkdirSync, mkdtempSync, renameSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cgroups, type CgroupEvents, type CgroupListener } from '../../../agent/identity/cgroups';

/** A tree of directories: to a walk, a tree of cgroups. */
let mount: string;
let told: string[];
let pending: Array<(into: CgroupListener) => void>;
let complete: boolean;

const names = new Map<bigint, string>();
const events: CgroupEvents = {
  drain: (into) => {
    pending.splice(0).forEach((event) => event(into));
    return complete;
  },
};
const listener: CgroupListener = {
  made: (id, path) => {
    names.set(id, path);
    told.push(`made ${path}`);
  },
  removed: (id) => told.push(`removed ${names.get(id)}`),
  released: (id) => told.push(`released ${names.get(id)}`),
};

const idOf = (path: string) => statSync(join(mount, path), { bigint: true }).ino;
const make = (path: string) => mkdirSync(join(mount, path), { recursive: true });
const open = (scope = '') => new Cgroups({ mount, scope: join(mount, scope), events }, listener);
/** What was told since the last time, in no order. */
const heard = () => told.splice(0).sort();

beforeEach(() => {
  mount = mkdtempSync(join(tmpdir(), 'ringside-cgroups-'));
  told = [];
  pending = [];
  complete = true;
  names.clear();
});

afterEach(() => rmSync(mount, { recursive: true, force: true }));

test('the start tells of what is there, and below the measured cgroup only', () => {
  make('a/b/c');
  make('other');
  writeFileSync(join(mount, 'a/cgroup.procs'), '');
  open('a');
  expect(heard()).toEqual(['made /a', 'made /a/b', 'made /a/b/c']);
});

test('events are passed on, and nothing is looked at as long as none is lost', () => {
  const cgroups = open();
  heard();
  make('unseen');
  pending.push(
    (into) => into.made(7n, '/x'),
    (into) => into.removed(7n),
    (into) => into.released(7n)
  );
  cgroups.update();
  expect(heard()).toEqual(['made /x', 'released /x', 'removed /x']);
});

test('when one is lost, the tree says what came and what went', () => {
  make('stays');
  make('goes/inside');
  const cgroups = open();
  heard();
  make('comes');
  rmSync(join(mount, 'goes'), { recursive: true });
  complete = false;
  cgroups.update();
  expect(heard()).toEqual(['made /comes', 'removed /goes', 'removed /goes/inside']);
  complete = true;
  cgroups.update();
  expect(heard()).toEqual([]);
});

test('an id under another path is another cgroup', () => {
  make('before');
  const cgroups = open();
  heard();
  renameSync(join(mount, 'before'), join(mount, 'after'));
  cgroups.walk();
  expect(heard()).toEqual(['made /after']);
});

test('what the kernel has told of as gone is not told again', () => {
  make('goes');
  const cgroups = open();
  const id = idOf('goes');
  rmdirSync(join(mount, 'goes'));
  pending.push((into) => into.removed(id));
  cgroups.update();
  heard();
  cgroups.walk();
  expect(heard()).toEqual([]);
});

test('in a cgroup namespace the paths are those that can be seen from there', () => {
  writeFileSync(join(mount, 'cgroup.events'), 'populated 1\n');
  const cgroups = open();
  heard();
  make('pod');
  const id = idOf('pod');
  pending.push((into) => into.made(id, '/docker/0123/pod'));
  cgroups.update();
  expect(heard()).toEqual(['made /pod']);
  rmdirSync(join(mount, 'pod'));
  pending.push((into) => into.removed(id));
  cgroups.update();
  expect(heard()).toEqual(['removed /pod']);
});
