/** Everything that a soak has on the machine, each of it taken away again at the end, whatever becomes of the soak. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ApiServer } from '../../test/support/api-server';
import { Cgroup } from '../../test/support/cgroup';
import { accessTo, PodFarm } from '../../test/support/pods';
import { ROOT } from '../setup/steps.mjs';
import { freePort } from '../start/port';
import { SoakAgent } from './agent';
import { EXCLUDED } from './ledger';

const JANITOR = join(__dirname, 'janitor.sh');
const NODE = 'soak';
/** Below those that connections are given, and most likely another one than that of a soak beside this one. */
const PORT = 20_000 + (process.pid % 10_000);

export class Stage {
  private constructor(
    /** Where the report goes, and everything that belongs to this run alone. */
    readonly folder: string,
    /** A BPF file system of its own: what is pinned there is gone when it is unmounted. */
    readonly pins: string,
    readonly cgroup: Cgroup,
    readonly api: ApiServer,
    readonly farm: PodFarm,
    readonly agent: SoakAgent,
    private readonly janitor: ChildProcess
  ) {}

  static async open(startMs: number): Promise<Stage> {
    const name = new Date(startMs).toISOString().slice(0, 19).replaceAll(':', '-');
    const folder = join(ROOT, 'build', 'soak', name);
    const [pins, program] = [join(folder, 'pins'), join(folder, 'agent')];
    mkdirSync(pins, { recursive: true });
    // What is built meanwhile is another agent.
    cpSync(join(ROOT, 'build', 'agent'), program, { recursive: true });
    const cgroup = Cgroup.make();
    const janitor = spawn(JANITOR, [pins, cgroup.path], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    execFileSync('mount', ['-t', 'bpf', 'none', pins]);
    const api = await ApiServer.start();
    const farm = new PodFarm(cgroup, { cluster: api, node: NODE });
    const agent = new SoakAgent({
      program: join(program, 'main.js'),
      port: await freePort(PORT),
      flags: flagsOf(cgroup, api, pins, folder),
      logFile: join(folder, 'agent.log'),
    });
    return new Stage(folder, pins, cgroup, api, farm, agent, janitor);
  }

  /** What is pinned: paths below the folder of pins. */
  get pinned(): string[] {
    const folder = pinFolder(this.pins);
    return existsSync(folder) ? readdirSync(folder, { recursive: true }).map(String) : [];
  }

  /** Removes what an agent that has ended left pinned, in the way an operator would. */
  detach(): void {
    execFileSync(process.execPath, [this.agent.program, 'detach', '--pin', pinFolder(this.pins)], { stdio: 'pipe' });
  }

  /** Ends and removes all of it but the folder. */
  async close(): Promise<void> {
    const steps: Array<() => unknown> = [
      () => this.agent.end('SIGTERM'),
      () => this.farm.remove(),
      () => this.cgroup.remove(),
      () => this.api.stop(),
      () => execFileSync('umount', [this.pins]),
      () => this.dismissJanitor(),
      () =>
        ['pins', 'agent', 'history', 'history.lock'].forEach((each) =>
          rmSync(join(this.folder, each), { recursive: true, force: true })
        ),
    ];
    const failures: unknown[] = [];
    for (const step of steps) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) {
      throw failures[0];
    }
  }

  private async dismissJanitor(): Promise<void> {
    const gone = once(this.janitor, 'exit');
    this.janitor.stdin!.end();
    await gone;
  }
}

function flagsOf(cgroup: Cgroup, api: ApiServer, pins: string, folder: string): string[] {
  const { url, tokenFile, caFile } = accessTo(api);
  const [[label, value]] = Object.entries(EXCLUDED);
  return [
    ...['--cgroup', cgroup.path, '--node', NODE, '--docker', 'off'],
    ...['--kubernetes', url, '--kubernetes-token-file', tokenFile, '--kubernetes-ca-file', caFile],
    ...['--exclude-pods', `${label}=${value}`],
    ...['--pin', pinFolder(pins), '--history-file', join(folder, 'history')],
  ];
}

function pinFolder(pins: string): string {
  return join(pins, 'ringside');
}
