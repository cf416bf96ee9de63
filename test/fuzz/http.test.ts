/**
 * The HTTP programs, built for the host, on hostile conversations (http.c says what has to hold). Everything that was
 * ever found is a seed, and each seed has to hold; what libFuzzer makes of them is the same in every run.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(__dirname, '../..');
const OUTPUT = join(ROOT, 'build/fuzz');
const SEEDS = join(__dirname, 'seeds');

jest.setTimeout(240_000);

beforeAll(() => build());

function build(...settings: string[]): void {
  try {
    execFileSync('make', ['-s', '-C', __dirname, `NODE=${process.execPath}`, ...settings], {
      stdio: 'pipe',
      encoding: 'utf8',
    });
  } catch (error) {
    throw new Error(`The fuzzer could not be built (it needs clang and wabt): ${(error as { stderr: string }).stderr}`);
  }
}

/** What the fuzzer says of these inputs: undefined when all is well, else the sentence about what is not. */
function complaint(args: string[], output = OUTPUT): string | undefined {
  const findings = join(output, 'findings');
  mkdirSync(findings, { recursive: true });
  const { status, stderr, error } = spawnSync(join(output, 'http'), [`-artifact_prefix=${findings}/`, ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (error) {
    throw error;
  }
  return status === 0
    ? undefined
    : (/^.*\(step \d+ of the conversation\)$/m.exec(stderr)?.[0] ?? stderr.slice(0, 2_000));
}

const seeds = readdirSync(SEEDS).map((name) => join(SEEDS, name));

test.each(seeds.map((file) => [file.slice(SEEDS.length + 1), file]))('%s', (_, file) => {
  expect(complaint([file])).toBeUndefined();
});

test('100,000 conversations made of them', () => {
  // What it finds worth keeping it would write into the first folder.
  const corpus = mkdtempSync(join(tmpdir(), 'ringside-corpus-'));
  try {
    const options = ['-seed=4711', '-runs=100000', '-max_len=256', '-entropic=0'];
    expect(complaint([...options, corpus, SEEDS])).toBeUndefined();
  } finally {
    rmSync(corpus, { recursive: true });
  }
});

describe('a fault in the programs is found', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ringside-fuzz-'));
    // All but the programs is built already.
    const ofPrograms = ['http', 'machine.o', 'corpus', 'findings'].map((name) => join(OUTPUT, name));
    cpSync(OUTPUT, join(folder, 'out'), {
      recursive: true,
      preserveTimestamps: true,
      filter: (path) => !ofPrograms.includes(path),
    });
    cpSync(join(ROOT, 'bpf'), join(folder, 'bpf'), { recursive: true });
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test.each([
    [
      'a window is longer than its segment',
      'http_stream.h',
      'if (count > STREAM_WINDOW)',
      'if (count > 0)',
      'the end of',
    ],
    ['a segment sent again is read again', 'http_order.h', 'segment->payload += -ahead;', '', 'reference'],
    ['a lost request is not counted', 'http_connection.h', 'count(HTTP_UNPARSED);', ';', 'accounted for'],
  ])('%s', (_, file, right, wrong, said) => {
    const path = join(folder, 'bpf', file);
    const source = readFileSync(path, 'utf8');
    expect(source.split(right)).toHaveLength(2);
    writeFileSync(path, source.replace(right, wrong));
    build(`OUTPUT=${join(folder, 'out')}`, `BPF=${join(folder, 'bpf')}`);
    expect(complaint(seeds, join(folder, 'out'))).toContain(said);
  });
});
