/** What an operator reads when the kernel refuses. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BpfError, BpfObject } from '../../native';
import { Build } from '../support/build';
import { Cgroup } from '../support/cgroup';
import { OVER_A_MAP } from '../support/map-iterators';
import { requireKernel } from '../support/requirements';

const build = new Build();
const compiled = (stem: string) => build.bpf(`test/native/fixtures/${stem}.bpf.c`);

beforeAll(() => {
  requireKernel();
});
afterAll(() => build.remove());

function failure(call: () => unknown): BpfError {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(BpfError);
    return error as BpfError;
  }
  throw new Error('It did not fail');
}

it('a program that the verifier refuses comes with the verifier’s log', () => {
  const error = failure(() => BpfObject.open(compiled('refused')).load());

  expect(error).toMatchObject({ name: 'BpfError', code: 'EACCES', step: 'load', subject: 'refused.bpf.o' });
  expect(error.log).toMatch(/^.*processed \d+ insns/m);
  expect(error.message).toBe(
    "Cannot load refused.bpf.o, program careless: the kernel's verifier refused it; " +
      "its last words: R0 invalid mem access 'map_value_or_null' (EACCES)"
  );
});

it('nothing of libbpf’s reaches standard error', () => {
  const script = `
    const { BpfObject } = require('./native');
    try { BpfObject.open(process.argv[1]).load(); } catch (error) { console.log(error.log.length > 0); }
  `;
  const options = { cwd: join(__dirname, '../..'), encoding: 'utf8' as const };
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--require', 'tsx/cjs', '-e', script, compiled('refused')],
    options
  );

  expect(stdout).toBe('true\n');
  expect(stderr).toBe('');
});

it('without the capabilities it says which they are', () => {
  const script = `
    const { BpfObject } = require('./native');
    try { BpfObject.open(process.argv[1]).load(); } catch ({ code, step, message }) { console.log(code, step, message); }
  `;
  const { stdout } = spawnSync(
    'setpriv',
    [
      '--bounding-set=-all',
      '--inh-caps=-all',
      process.execPath,
      '--require',
      'tsx/cjs',
      '-e',
      script,
      compiled('basics'),
    ],
    { cwd: join(__dirname, '../..'), encoding: 'utf8' }
  );

  expect(stdout).toMatch(/^EPERM load Cannot load basics.bpf.o.*capabilities BPF, PERFMON and NET_ADMIN.*\(EPERM\)$/m);
});

it.each([
  ['that is not there', '/nonexistent/x.bpf.o', 'ENOENT', 'there is no such file; build the programs first'],
  ['that is no object', __filename, 'LIBBPF_4001', 'it is not a BPF object file'],
])('a file %s', (_, path, code, words) => {
  const error = failure(() => BpfObject.open(path));

  expect(error).toMatchObject({ code, step: 'open', subject: path, log: '' });
  expect(error.message).toContain(words);
});

it('a tracepoint that this kernel does not have: by type, at load', () => {
  const object = BpfObject.open(compiled('nowhere'));
  object.setAutoload('plain', false);

  const error = failure(() => object.load());
  expect(error).toMatchObject({ code: 'ESRCH', step: 'load' });
  expect(error.message).toBe(
    'Cannot load nowhere.bpf.o, program typed: this kernel has no ringside_no_such_event (ESRCH)'
  );
});

it('a tracepoint that this kernel does not have: by name, at attach', () => {
  const object = BpfObject.open(compiled('nowhere'));
  object.setAutoload('typed', false);
  object.load();

  expect(failure(() => object.attach('plain')).message).toBe(
    'Cannot attach plain: this kernel has no such tracepoint, or does not list them ("mount -t tracefs tracefs /sys/kernel/tracing") (ENOENT)'
  );
  object.close();
});

it('after a load that failed there is nothing left to use or to close', () => {
  const object = BpfObject.open(compiled('refused'));
  failure(() => object.load());

  expect(failure(() => object.load())).toMatchObject({
    code: 'EBADF',
    message: 'Cannot load refused.bpf.o: it is closed (EBADF)',
  });
  object.close();
});

describe('a cgroup', () => {
  let object: BpfObject;
  let folder: string;

  beforeEach(() => {
    object = BpfObject.open(compiled('basics'));
    object.load();
    folder = mkdtempSync(join(tmpdir(), 'ringside-'));
  });
  afterEach(() => {
    object.close();
    rmSync(folder, { recursive: true });
  });

  const attach = (path: string) => failure(() => object.attachCgroup('count_packets', path));

  it('that does not exist', () => {
    const path = join(folder, 'missing');
    expect(attach(path)).toMatchObject({ code: 'ENOENT', step: 'attachCgroup', subject: `count_packets to ${path}` });
    expect(attach(path).message).toBe(`Cannot attach count_packets to ${path}: there is no such directory (ENOENT)`);
  });

  it('that is a file', () => {
    expect(attach(__filename)).toMatchObject({ code: 'ENOTDIR' });
  });

  it('that is some other directory', () => {
    expect(attach(folder)).toMatchObject({ code: 'EBADF' });
    expect(attach(folder).message).toContain('it is not a directory of a cgroup v2 file system');
  });

  it('is what a program for cgroups needs', () => {
    const error = failure(() => object.attach('count_packets'));

    expect(error).toMatchObject({ code: 'EOPNOTSUPP', step: 'attach', subject: 'count_packets' });
    expect(error.message).toContain('programs for cgroups take attachCgroup()');
  });

  it('and a program that is not for cgroups', async () => {
    const cgroup = Cgroup.make();
    const tracing = BpfObject.open(compiled('tracing'));
    tracing.setAutoload(OVER_A_MAP, false);
    tracing.load();
    const error = failure(() => tracing.attachCgroup('tp_btf', cgroup.path));

    expect(error).toMatchObject({ code: 'EINVAL', step: 'attachCgroup' });
    expect(error.message).toContain('the program is not of a kind that attaches to cgroups');
    tracing.close();
    await cgroup.remove();
  });
});
