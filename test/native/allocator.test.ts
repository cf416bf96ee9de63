/** Memory that was freed is the kernel's again, also where something in use lies behind it. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const PROCESS = join(__dirname, 'fixtures/allocator.process.ts');
/** 8,000 blocks of 8 KiB; those that are kept hold no more than a page or two each. */
const ALLOCATED_KB = 64_000;

it('gives back what lies between blocks that are in use', () => {
  const output = execFileSync(process.execPath, ['--expose-gc', '--require', 'tsx/cjs', PROCESS], { encoding: 'utf8' });
  const { start, full, trimmed } = JSON.parse(output);
  expect(full - start).toBeGreaterThan(0.9 * ALLOCATED_KB);
  expect(full - trimmed).toBeGreaterThan(0.9 * ALLOCATED_KB);
});
