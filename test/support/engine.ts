/** A container engine of a test's own: its images, containers and sockets are in a folder that goes when it stops. */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { until } from './wait';

export class Engine {
  #daemon: ChildProcess;
  readonly #log: string;

  private constructor(readonly folder: string) {
    this.#log = join(folder, 'dockerd.log');
    this.#daemon = this.#spawn();
  }

  #spawn(): ChildProcess {
    const log = openSync(this.#log, 'a');
    // Containers of this engine use the host's network or none: it shall not touch the machine's firewall and bridges.
    const network = ['--iptables=false', '--ip6tables=false', '--bridge=none'];
    // Under systemd's driver a parent would have to be a slice.
    const cgroups = ['--exec-opt=native.cgroupdriver=cgroupfs', `--cgroup-parent=${this.cgroup}`];
    const places = [
      `--data-root=${this.folder}/data`,
      `--exec-root=${this.folder}/run`,
      `--pidfile=${this.folder}/pid`,
      `--host=${this.host}`,
    ];
    try {
      return spawn('setpriv', ['--pdeathsig', 'TERM', 'dockerd', ...network, ...cgroups, ...places], {
        stdio: ['ignore', log, log],
      });
    } finally {
      closeSync(log);
    }
  }

  get host(): string {
    return `unix://${this.folder}/docker.sock`;
  }

  /** Each container has its cgroup in this one, as in `/docker` otherwise; it is there from the first of them on. */
  get cgroup(): string {
    return `/${basename(this.folder)}/docker`;
  }

  static async start(): Promise<Engine> {
    const engine = new Engine(mkdtempSync(join(tmpdir(), 'ringside-engine-')));
    try {
      await engine.#ready();
    } catch (error) {
      await engine.stop();
      throw error;
    }
    return engine;
  }

  /** Its containers end with it. */
  async restart(): Promise<void> {
    await this.#end();
    this.#daemon = this.#spawn();
    await this.#ready();
  }

  /** Runs `docker …` to its end, and gives what it printed; what it said when it failed is the error's message. */
  async docker(...args: string[]): Promise<string> {
    const child = spawn('docker', args, {
      // The builder that comes with every engine; the newer one is a program of its own.
      env: { ...process.env, DOCKER_HOST: this.host, DOCKER_BUILDKIT: '0' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let all = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
      all += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (all += text));
    const [code] = await once(child, 'close');
    if (code !== 0) {
      throw new Error(`docker ${args.slice(0, 3).join(' ')} … ended with ${code}:\n${all.slice(-4_000)}`);
    }
    return out.trim();
  }

  /** Makes an image of a folder. `changes` are Dockerfile instructions, as `docker import` takes them. */
  import(folder: string, tag: string, changes: readonly string[] = []): void {
    const options = changes.flatMap((change) => ['--change', change]);
    const script = 'folder=$1; shift; tar -C "$folder" -c . | docker import "$@"';
    execFileSync('bash', ['-o', 'pipefail', '-c', script, 'import', folder, ...options, '-', tag], {
      env: { ...process.env, DOCKER_HOST: this.host },
      stdio: 'pipe',
    });
  }

  async stop(): Promise<void> {
    await this.#end();
    // It leaves the host's network namespace mounted here when a container has used it.
    spawnSync('umount', [join(this.folder, 'run/netns/default')]);
    for (const mount of cgroupMounts()) {
      removeQuietly(join(mount, this.cgroup));
      removeQuietly(join(mount, dirname(this.cgroup)));
    }
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async #end(): Promise<void> {
    if (this.#daemon.exitCode === null && this.#daemon.signalCode === null) {
      const gone = once(this.#daemon, 'exit');
      this.#daemon.kill('SIGTERM');
      await gone;
    }
  }

  async #ready(): Promise<void> {
    await until(
      () => `dockerd; its log: ${readFileSync(this.#log, 'utf8').slice(-2_000)}`,
      () => this.#answers(),
      { timeoutMs: 60_000, everyMs: 200 }
    );
  }

  #answers(): boolean {
    if (this.#daemon.exitCode !== null) {
      throw new Error(`dockerd ended with ${this.#daemon.exitCode}: ${readFileSync(this.#log, 'utf8').slice(-2_000)}`);
    }
    try {
      execFileSync('docker', ['version'], { env: { ...process.env, DOCKER_HOST: this.host }, stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  }
}

/** Of every hierarchy: an engine uses those of version 1 too where there are any. */
function cgroupMounts(): string[] {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  return mounts.map((line) => line.split(' ')).flatMap(([, at, type]) => (type?.startsWith('cgroup') ? [at] : []));
}

function removeQuietly(cgroup: string): void {
  try {
    rmdirSync(cgroup);
  } catch {
    // It was never made, or a container was left in it: then dockerd said so.
  }
}
