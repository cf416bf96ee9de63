import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { boundsHeader } from '../../scripts/generate/bounds';
import { Btf } from '../../scripts/generate/btf';
import { moduleText } from '../../scripts/generate/module';
import { BOUNDS_NANOSECONDS } from '../../wire/histogram';
import { Build } from '../support/build';

const build = new Build();
afterAll(() => build.remove());

/** The generated module of a fixture, as text and as loaded. */
function generate(stem: string) {
  const text = moduleText(stem, Btf.ofFile(build.bpf(`test/scripts/fixtures/${stem}.bpf.c`)));
  const path = join(build.folder, `${stem}.ts`);
  writeFileSync(path, text);
  return { text, module: require(path) };
}

describe('readers generated from BTF', () => {
  const { text, module } = generate('shapes');

  it('read what a host compiler wrote, field for field', () => {
    const bytes = execFileSync(build.host('test/scripts/fixtures/shapes.c'));
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

    expect(bytes.length).toBe(8 + module.SHAPE_SIZE);
    expect(module.readShape(view, 8)).toEqual({
      op: 250,
      kind: module.ShapeKind.SHAPE_ROUND,
      turn: module.ShapeTurn.SHAPE_LEFT,
      small: -3,
      port: 65000,
      open: true,
      elapsedNs: 0xfedcba9876543210n,
      balance: -5n,
      name: 'wörkers',
      full: 'abcd',
      ports: Uint16Array.of(80, 81, 82),
      steps: Int32Array.of(-1, 2147483647),
      counts: BigUint64Array.from([0n, 1n, 2n, 3n, 4n], (i) => (1n << 60n) + i),
      at: { x: -7, y: -(1n << 40n) },
      corners: [
        { x: 0, y: 10n },
        { x: 1, y: 11n },
      ],
      grid: [0, 1].map((x) => [0n, 1n, 2n].map((y) => ({ x, y }))),
      peer: { v4: 0x0100007f, v6: Uint8Array.of(127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) },
      whole: (2n << 32n) + 1n,
      low: 1,
      high: 2,
    });
  });

  it('come with the offset of every field', () => {
    expect(module.PointOffsets).toEqual({ x: 0, y: 8 });
    expect(module.ShapeOffsets).toMatchObject({ op: 0, kind: 4, elapsedNs: 24, whole: 280, low: 280, high: 284 });
    expect(module.POINT_SIZE).toBe(16);
  });

  it('come with enums, negative values and types that only a marker names among them', () => {
    expect(module.ShapeTurn.SHAPE_LEFT).toBe(-1);
    expect(module.Limits.LIMIT_HIGH).toBe(5000);
    expect(module.bss).not.toHaveProperty('unusedLimits');
  });

  it('come with the maps, however their sizes are declared', () => {
    expect(module.maps).toEqual({
      shapes: {
        keySize: 16,
        readKey: module.readPoint,
        valueSize: module.SHAPE_SIZE,
        readValue: module.readShape,
        maxEntries: 100,
      },
      free_slots: { valueSize: 4, maxEntries: 7 },
      plain: { keySize: 4, valueSize: 8, maxEntries: 2 },
    });
  });

  it('come with the places of constants and variables', () => {
    expect(module.rodata).toEqual({ firstKnob: { offset: 0, size: 1 }, secondKnob: { offset: 8, size: 8 } });
    expect(module.data).toEqual({ loose: { offset: 0, size: 4 } });
    expect(module.bss.lastShape.size).toBe(module.SHAPE_SIZE);
  });

  it('are the same each time', () => {
    expect(generate('shapes').text).toBe(text);
  });

  it('refuse a bitfield instead of reading it wrongly', () => {
    expect(() => generate('bitfield')).toThrow('flags.urgent is a bitfield');
  });
});

describe('the header of histogram bounds', () => {
  const header = boundsHeader();

  const number = (name: string) => Number(new RegExp(`#define HISTOGRAM_${name} (\\d+)\n`).exec(header)![1]);

  it('has the bits that all octaves have in common, from which every bound follows', () => {
    const octave = [...header.matchAll(/0x[0-9a-f]+(?=ULL)/g)].map(([bits]) => BigInt(bits));
    const bounds = Array.from({ length: number('BOUNDS') }, (_, i) => {
      const at = i - number('BELOW_OCTAVE');
      const place = number('OCTAVE') + Math.floor(at / octave.length);
      return Number(octave[((at % octave.length) + octave.length) % octave.length] >> BigInt(62 - place));
    });

    expect(octave).toHaveLength(8);
    expect(octave.every((bits) => bits >= 1n << 62n && bits < 1n << 63n)).toBe(true);
    expect(bounds).toEqual(BOUNDS_NANOSECONDS);
  });
});

describe('npm run generate', () => {
  const ROOT = join(__dirname, '../..');
  const root = join(build.folder, 'repository');
  const committed = join(root, 'agent/collect/generated');

  const run = (...args: string[]) =>
    spawnSync(process.execPath, ['--require', 'tsx/cjs', join(ROOT, 'scripts/generate.ts'), ...args], {
      cwd: ROOT,
      encoding: 'utf8',
    });

  beforeAll(() => {
    mkdirSync(join(root, 'bpf/.output'), { recursive: true });
    mkdirSync(committed, { recursive: true });
    writeFileSync(join(root, 'bpf/shapes.bpf.c'), '');
  });

  it('says what to build first', () => {
    expect(run(root)).toMatchObject({
      status: 1,
      stdout: '',
      stderr: 'bpf/.output/shapes.bpf.o is missing. Run: make -C bpf\n',
    });
  });

  it('writes what is missing, removes what has no source, and does so once', () => {
    copyFileSync(join(build.folder, 'shapes.bpf.o'), join(root, 'bpf/.output/shapes.bpf.o'));
    writeFileSync(join(committed, 'gone.ts'), '');

    expect(run(root).stdout.split('\n').sort()).toEqual([
      '',
      'removed agent/collect/generated/gone.ts',
      'wrote agent/collect/generated/shapes.ts',
      'wrote bpf/histogram_bounds.h',
    ]);
    expect(readdirSync(committed)).toEqual(['shapes.ts']);
    expect(run(root)).toMatchObject({ status: 0, stdout: '' });
    expect(run('--check', root)).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });

  it('with --check shows what differs and touches nothing', () => {
    const path = join(committed, 'shapes.ts');
    const edited = readFileSync(path, 'utf8').replace('POINT_SIZE = 16', 'POINT_SIZE = 17');
    writeFileSync(path, edited);
    const { status, stdout, stderr } = run('--check', root);

    expect(status).toBe(1);
    expect(stdout).toContain('-export const POINT_SIZE = 17;\n+export const POINT_SIZE = 16;\n');
    expect(stderr).toBe('1 generated file(s) differ from their sources. Run: npm run generate\n');
    expect(readFileSync(path, 'utf8')).toBe(edited);
  });

  it('refuses an option it does not know', () => {
    const { status, stderr } = run('--chek');

    expect(status).toBe(1);
    expect(stderr).toContain("'--chek'");
  });

  it('would change nothing that is committed here', () => {
    execFileSync('make', ['-s', '-C', join(ROOT, 'bpf')], { stdio: 'pipe' });

    expect(run('--check')).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });
});
