import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../setup/steps.mjs';
import { tallyOf, type Tally } from './tally';

const LINGER_MS = 30_000;
const CHECK_MS = 1_000;

export interface JestRun {
  name: string;
  args: string[];
}

/** Runs Jest, its own report going straight to the screen, and counts. */
export async function jest({ name, args }: JestRun): Promise<Tally> {
  const folder = join(ROOT, 'build', 'test');
  const file = join(folder, `${name}.json`);
  mkdirSync(folder, { recursive: true });
  rmSync(file, { force: true });
  // Node 20 may spin for ever while it takes a process apart in which hundreds of servers have come and gone.
  const options = ['--ci', '--forceExit', '--json', `--outputFile=${file}`, ...args];
  const child = spawn(process.execPath, [join(ROOT, 'node_modules/jest/bin/jest.js'), ...options], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
    // nginx, ip and bpftool are in sbin, which is not on everybody's path.
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
  });
  const lingering = endWhenDone(child, file);
  const [code] = await once(child, 'exit');
  clearInterval(lingering);
  const report = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
  // Killed after its report was complete, it has said all there is to say.
  return tallyOf(name, report, code ?? (report === undefined ? 1 : 0));
}

/** The report is the last thing Jest writes: what keeps it from ending after that is no test. */
function endWhenDone(child: ChildProcess, report: string): NodeJS.Timeout {
  let waitedMs = 0;
  return setInterval(() => {
    waitedMs += existsSync(report) ? CHECK_MS : 0;
    if (waitedMs >= LINGER_MS) {
      console.error('Jest has written its report and does not end: it is ended.');
      child.kill('SIGKILL');
    }
  }, CHECK_MS);
}
