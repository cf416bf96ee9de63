/** Where the file is to be, and what is there already: a sentence for each, and measuring goes on. */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { HistoryFile } from '../../../../agent/history/file/file';
import { FORMAT } from '../../../../agent/history/file/layout';
import { lock } from '../../../../native';
import { METRICS } from '../../../../wire/metrics';
import { requireRoot } from '../../../support/requirements';
import { intern } from '../../../support/series';
import { Folder, endAll, live, told, type Life } from './paper';

const T0 = 1_790_000_040_000;
const [COUNTER] = METRICS.filter(({ kind }) => kind === 'counter');

let folder: Folder;
let path: string;
beforeEach(() => {
  folder = new Folder();
  path = folder.file();
});
afterEach(() => folder.remove());

/** One tick a second, from a second up to another; one event each. */
function tell(life: Life, from: number, end: number): void {
  const known = [...life.table].find(({ target }) => target.labels.cgroup === '/a');
  const { id } = known ?? intern(life.table, COUNTER, { cgroup: '/a' });
  for (let second = from; second < end; second++) {
    life.history.record(T0 + second * 1000, (into) => into.counter(id, 1));
  }
}

const failing = (life: Life) => ({ said: life.said, state: life.file.status.state, notices: life.file.notices });

/** It says so once, in log and status, and measures all the same. */
function expectTrouble(life: Life, reason: string): void {
  const sentence = `--history-file ${path} ${reason}.`;
  expect(failing(life)).toEqual({ said: [sentence], state: 'failing', notices: [sentence] });
  tell(life, 1, 50);
  expect(told(life)).toHaveLength(49);
  expect(life.said).toEqual([sentence]);
}

/** When what was in the way is gone, everything that is in memory is in the file. */
function expectRecovery(life: Life): void {
  tell(life, 50, 130);
  expect(life.said.slice(-1)).toEqual([
    `--history-file ${path} is written again. Everything that is in memory is in it.`,
  ]);
  expect(life.file.status).toMatchObject({ state: 'writing', reason: '' });
  expect(life.file.notices).toEqual([]);
  expect(told(live(path))).toEqual(told(life));
}

it('is made where nothing is, for its owner’s eyes, at its full size', () => {
  const life = live(path);
  expect(failing(life)).toEqual({ said: [], state: 'writing', notices: [] });
  const { size, blocks, mode } = statSync(path);
  expect(size).toBe(life.file.status.bytes);
  expect(blocks * 512).toBeGreaterThanOrEqual(size);
  expect(mode & 0o777).toBe(0o600);
  expect(life.history.lineage).toMatch(/^[0-9a-f]{32}$/);
  expect(readdirSync(folder.path)).toEqual(['history']);
});

it('says that the directory is missing, and makes the file when it is there', () => {
  path = join(folder.path, 'later', 'history');
  const life = live(path);
  expect(life.history.lineage).toBeUndefined();
  expectTrouble(life, 'is in a directory that does not exist; make the directory (ENOENT)');
  mkdirSync(join(folder.path, 'later'));
  expectRecovery(life);
});

it('does not take a directory, a pipe or a file of somebody else', () => {
  mkdirSync(path);
  expectTrouble(live(path), 'is a directory; name a file in a directory');
  rmSync(path, { recursive: true });
  execFileSync('mkfifo', [path]);
  expectTrouble(live(path), 'is not a file; name a file in a directory');
  rmSync(path);
  const letter = 'Dear reader,\n'.repeat(1_000);
  writeFileSync(path, letter);
  const life = live(path);
  expectTrouble(
    life,
    'is not a history file of Ringside, and nothing is written to it; name another path, or remove it'
  );
  expect(readFileSync(path, 'utf8')).toBe(letter);
  rmSync(path);
  expectRecovery(life);
});

it('keeps what a link points to a link', () => {
  const real = folder.file('real');
  symlinkSync(real, path);
  writeFileSync(real, '');
  tell(live(path), 1, 10);
  expect(told(live(real))).toHaveLength(9);
  expect(execFileSync('readlink', [path], { encoding: 'utf8' }).trim()).toBe(real);
});

describe('a file of Ringside’s that is not this agent’s', () => {
  const change = (at: number, bytes: Buffer) => {
    const fd = openSync(path, 'r+');
    writeSync(fd, bytes, 0, bytes.length, at);
    closeSync(fd);
  };
  const cases: Array<[string, () => Life, string]> = [
    [
      'of another version',
      () => {
        change(16, Buffer.of(FORMAT + 1));
        return live(path);
      },
      'is of another version of Ringside',
    ],
    [
      'with a damaged header',
      () => {
        change(1_500, Buffer.of(1));
        return live(path);
      },
      'is damaged where it says what it is',
    ],
    ['of another node', () => live(path, { node: 'node-42' }), 'is the history of the node "node-23"'],
  ];

  it.each(cases)('%s is put aside, and history starts anew', (_, next, why) => {
    const first = live(path);
    tell(first, 1, 20);
    first.file.close();
    const life = next();
    const sentence = `--history-file ${path} ${why}; it is kept as ${path}.old, and history starts anew.`;
    expect(failing(life)).toEqual({ said: [sentence], state: 'writing', notices: [sentence] });
    expect(life.history.sequence).toBe(0);
    expect(life.history.lineage).not.toBe(first.history.lineage);
    expect(readdirSync(folder.path).sort()).toEqual(['history', 'history.old']);
  });

  it('does not push something else out of its place', () => {
    tell(live(path), 1, 20);
    const before = readFileSync(path);
    writeFileSync(`${path}.old`, 'precious');
    const life = live(path, { node: 'node-42' });
    expectTrouble(life, `needs the name ${path}.old, where something else is; move that away, or name another path`);
    expect(readFileSync(`${path}.old`, 'utf8')).toBe('precious');
    expect(readFileSync(path).equals(before)).toBe(true);
  });
});

it('makes the file anew with what is in memory when somebody has removed it', () => {
  const life = live(path);
  tell(life, 1, 50);
  rmSync(path);
  tell(life, 50, 65);
  expect(life.said).toEqual([`--history-file ${path} has been removed while it was in use.`]);
  expectRecovery(life);
});

it('does not write over a past that it has not read', () => {
  tell(live(path), 1, 20);
  const away = folder.file('away');
  renameSync(path, away);
  mkdirSync(path);
  const life = live(path);
  tell(life, 30, 40);
  rmSync(path, { recursive: true });
  renameSync(away, path);
  const before = readFileSync(path);
  tell(life, 40, 120);
  const sentence = `--history-file ${path} holds a past that this agent has not read; restart the agent to go on with it.`;
  expect(life.file.notices).toEqual([sentence]);
  expect(readFileSync(path).equals(before)).toBe(true);
  expect(told(live(path))).toHaveLength(19);
});

describe('on a file system of its own', () => {
  let mounted: string;

  beforeEach(() => {
    requireRoot();
    mounted = join(folder.path, 'small');
    mkdirSync(mounted);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'none', mounted]);
    path = join(mounted, 'history');
  });
  afterEach(() => {
    endAll();
    execFileSync('umount', [mounted]);
  });

  /** Takes all the room there is. */
  const fill = () => {
    const fd = openSync(join(mounted, 'ballast'), 'w');
    const piece = Buffer.alloc(4_096, 1);
    try {
      for (;;) {
        writeSync(fd, piece);
      }
    } catch (error) {
      expect(error).toMatchObject({ code: 'ENOSPC' });
    }
    closeSync(fd);
  };
  const FULL = 'has no room: its file system is full (ENOSPC)';

  it('says at once that there is no room, leaves nothing there, and goes on when there is', () => {
    writeFileSync(join(mounted, 'ballast'), Buffer.alloc(3_500_000));
    const life = live(path);
    expectTrouble(life, FULL);
    expect(readdirSync(mounted)).toEqual(['ballast']);
    rmSync(join(mounted, 'ballast'));
    expectRecovery(life);
  });

  it('keeps what it has when the disk fills up later, and all of it when there is room again', () => {
    const life = live(path);
    tell(life, 1, 40);
    const before = told(life);
    // A file system that gives room away page by page: what had its place has none any more.
    execFileSync('fallocate', ['--punch-hole', '--offset', '4096', '--length', '1000000', path]);
    fill();
    tell(life, 40, 45);
    const sentence = `--history-file ${path} ${FULL}.`;
    expect(failing(life)).toEqual({ said: [sentence], state: 'failing', notices: [sentence] });
    expect(told(life).slice(0, before.length)).toEqual(before);
    tell(life, 45, 50);
    truncateSync(join(mounted, 'ballast'), 0);
    expectRecovery(life);
  });

  it('reads a past that is on a read-only file system', () => {
    tell(live(path), 1, 30);
    endAll();
    execFileSync('mount', ['-o', 'remount,ro', mounted]);
    const life = live(path);
    const sentence = `--history-file ${path} is on a file system that is mounted read-only; mount it for writing (EROFS).`;
    expect(failing(life)).toEqual({ said: [sentence], state: 'failing', notices: [sentence] });
    tell(life, 30, 50);
    expect(told(life)).toHaveLength(49);
    execFileSync('mount', ['-o', 'remount,rw', mounted]);
    expectRecovery(life);
  });

  it('says that nothing can be made on a read-only file system', () => {
    execFileSync('mount', ['-o', 'remount,ro', mounted]);
    expectTrouble(live(path), 'is on a file system that is mounted read-only; mount it for writing (EROFS)');
  });
});

describe('two agents', () => {
  const agent = () => new HistoryFile({ path, node: 'n1', lock });

  it('do not share a file: the second waits for the first to end', async () => {
    const first = agent();
    await first.claim();
    const second = agent();
    let isClaimed = false;
    const claimed = second.claim().then(() => (isClaimed = true));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(isClaimed).toBe(false);
    first.close();
    await claimed;
    second.close();
    expect(existsSync(`${path}.lock`)).toBe(true);
  });

  it('do not share a file: the second says who has it, and ends', async () => {
    const first = agent();
    await first.claim();
    await expect(agent().claim()).rejects.toMatchObject({
      name: 'Refusal',
      message:
        `--history-file ${path} is written by another agent (process ${process.pid}), which did not end within 8 s. ` +
        'Stop it, or give this one a file of its own.',
    });
    first.close();
  }, 60_000);
});
