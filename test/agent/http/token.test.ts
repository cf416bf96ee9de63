import { mkdtempSync, renameSync, rmSync, symlinkSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TokenFile } from '../../../agent/http/token';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringside-token-'));
  path = join(folder, 'token');
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate'], now: Date.now() });
});
afterEach(() => {
  jest.useRealTimers();
  rmSync(folder, { recursive: true });
});

const later = () => jest.setSystemTime(Date.now() + 1_001);

it('lets in the token of the file, without the white space around it, and no other', () => {
  writeFileSync(path, '  s3cret-token \n');
  const file = new TokenFile(path);
  expect(file.matches('s3cret-token')).toBe(true);
  for (const wrong of ['', 's3cret-toke', 's3cret-token2', 'S3cret-token', ' s3cret-token', 'x'.repeat(10_000)]) {
    expect([wrong, file.matches(wrong)]).toEqual([wrong, false]);
  }
});

it.each([
  ['missing', undefined, 'cannot be read (ENOENT)'],
  ['empty', '', 'is empty'],
  ['white', ' \n\t', 'is empty'],
  ['several words', 'two tokens', 'more than one word'],
  ['not for a header', 'tökén', 'cannot carry'],
])('refuses to start with a file that is %s', (_what, text, message) => {
  if (text !== undefined) {
    writeFileSync(path, text);
  }
  expect(() => new TokenFile(path)).toThrow(message);
  expect(() => new TokenFile(path)).toThrow(path);
});

it('takes the new token when the file changes, and the old one no more', () => {
  writeFileSync(path, 'first');
  const file = new TokenFile(path);
  writeFileSync(path, 'other');
  later();
  expect(file.matches('first')).toBe(false);
  expect(file.matches('other')).toBe(true);
});

it('follows the symbolic links a Kubernetes secret is made of', () => {
  writeFileSync(join(folder, 'v1'), 'first');
  writeFileSync(join(folder, 'v2'), 'other');
  symlinkSync('v1', path);
  const file = new TokenFile(path);
  expect(file.matches('first')).toBe(true);
  symlinkSync('v2', join(folder, 'new'));
  renameSync(join(folder, 'new'), path);
  later();
  expect(file.matches('other')).toBe(true);
});

it('lets nobody in while the file is gone or empty, says so once, and recovers', () => {
  const problems: string[] = [];
  writeFileSync(path, 'first');
  const file = new TokenFile(path, (message) => problems.push(message));
  truncateSync(path);
  later();
  expect([file.matches('first'), file.matches('')]).toEqual([false, false]);
  later();
  expect(file.matches('first')).toBe(false);
  expect(problems).toHaveLength(1);
  unlinkSync(path);
  later();
  expect(file.matches('first')).toBe(false);
  expect(problems).toHaveLength(2);
  writeFileSync(path, 'first');
  later();
  expect(file.matches('first')).toBe(true);
});

it('does not look at the file at every request', () => {
  writeFileSync(path, 'first');
  const file = new TokenFile(path);
  unlinkSync(path);
  expect(file.matches('first')).toBe(true);
});
