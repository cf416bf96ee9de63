/** The demo shop: three services that call each other, and customers, each in a cgroup of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { findCgroupRoot, makeCgroup, removeCgroup } from './cgroup';

const PROGRAM = join(__dirname, '..', 'build', 'demo', 'main.js');
const JANITOR = join(__dirname, 'janitor.sh');
/**
 * Moves itself into the cgroup, then becomes the service: every socket it opens is born there. It is killed when the
 * process that started it goes.
 */
const ENTER = 'echo $$ > "$1/cgroup.procs" && shift && exec setpriv --pdeathsig KILL -- "$@"';

export interface Shop {
  /** The path of the cgroup that holds those of all four. */
  cgroup: string;
  urls: { frontend: string; catalog: string; payments: string };
  /** Ends the processes and removes the cgroups. */
  stop(): Promise<void>;
}

export interface ShopOptions {
  /** The cgroup to make the shop's below. Default: the cgroup v2 root. */
  parentCgroup?: string;
  /** Of the customers. Default: 60. */
  requestsPerSecond?: number;
  /** Runs when the cgroup is there and nothing is in it yet: what is attached here misses no connection. */
  prepare?(cgroup: string): Promise<void>;
}

let started = 0;

/** @throws Error, in one sentence, when this machine or this user cannot */
export async function startShop({ parentCgroup = findCgroupRoot(), ...options }: ShopOptions = {}): Promise<Shop> {
  if (!existsSync(PROGRAM)) {
    throw new Error('The demo shop is not built: npm run build.');
  }
  if (!parentCgroup) {
    throw new Error('cgroup v2 is not mounted: mount -t cgroup2 none /sys/fs/cgroup');
  }
  const cgroup = makeCgroup(parentCgroup, `ringside-demo-${process.pid}${started++ ? `-${started}` : ''}`);
  const janitor = spawn(JANITOR, [cgroup], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  const stop = async () => {
    await removeCgroup(cgroup);
    await dismiss(janitor);
  };
  try {
    await options.prepare?.(cgroup);
    const service = async (name: string, env: Record<string, string> = {}) =>
      `http://127.0.0.1:${await firstLine(name, launch(cgroup, name, env))}`;
    const [catalog, payments] = await Promise.all([service('catalog'), service('payments')]);
    const frontend = await service('frontend', { CATALOG_URL: catalog, PAYMENTS_URL: payments });
    const customers = { FRONTEND_URL: frontend, REQUESTS_PER_SECOND: String(options.requestsPerSecond ?? 60) };
    await firstLine('load', launch(cgroup, 'load', customers));
    return { cgroup, urls: { frontend, catalog, payments }, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function launch(cgroup: string, name: string, env: Record<string, string>): ChildProcess {
  const command = [process.execPath, PROGRAM, name];
  return spawn('/bin/sh', ['-c', ENTER, 'enter', makeCgroup(cgroup, name), ...command], {
    // In a process group of its own: Ctrl-C on the terminal is for the one that started it, which then calls stop().
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH, HOST: '127.0.0.1', ...env },
  });
}

/** What a process says once it does its work. */
function firstLine(name: string, child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout! }).once('line', resolve);
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      reject(new Error(`The demo's ${name} ended with ${signal ?? `code ${code}`}.`))
    );
  });
}

async function dismiss(janitor: ChildProcess): Promise<void> {
  if (janitor.exitCode === null) {
    const gone = once(janitor, 'exit');
    janitor.stdin!.end();
    await gone;
  }
}
