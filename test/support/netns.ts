/** Network namespaces joined by a veth pair: a network of the test's own, where losing packets hurts nobody. */
import { execFileSync } from 'node:child_process';
import { requireProgram, requireRoot } from './requirements';

let made = 0;

/** One of the two ends. */
export class Netns {
  private constructor(
    readonly name: string,
    /** The name of its end of the veth pair. */
    readonly device: string,
    readonly ipv4: string,
    readonly ipv6: string
  ) {}

  /**
   * Two namespaces, each with loopback and one end of a veth pair up, able to reach one another by IPv4 and IPv6.
   * Remove both after use: the pair itself goes with either.
   */
  static pair(): [Netns, Netns] {
    requireRoot();
    requireProgram('/usr/sbin/ip', 'iproute2');
    const stem = `rst-${process.pid}-${++made}`;
    const ends = [1, 2].map((n) => new Netns(`${stem}-${n}`, 'veth0', `192.0.2.${n}`, `2001:db8::${n}`));
    const [left, right] = ends;
    try {
      ends.forEach((end) => ip('netns', 'add', end.name));
      ip(
        '-n',
        left.name,
        'link',
        'add',
        left.device,
        'type',
        'veth',
        'peer',
        'name',
        right.device,
        'netns',
        right.name
      );
      ends.forEach((end) => end.#bringUp());
    } catch (error) {
      ends.forEach((end) => end.remove());
      throw error;
    }
    return [left, right];
  }

  /** Runs a command inside, to its end, and gives its output. Its own words are the error message when it fails. */
  exec(command: string, ...args: string[]): string {
    return ip('netns', 'exec', this.name, command, ...args);
  }

  /** Loads nft rules (the text of an `nft -f` file) inside. */
  nft(rules: string): void {
    requireProgram('/usr/sbin/nft', 'nftables');
    run('ip', ['netns', 'exec', this.name, 'nft', '-f', '-'], rules);
  }

  /** One nft rule on the packets that come in or go out. */
  rule(hook: 'input' | 'output', rule: string, family: 'inet' | 'ip' | 'ip6' = 'inet'): void {
    this.nft(`table ${family} test {
      chain ${hook} {
        type filter hook ${hook} priority 0
        ${rule}
      }
    }`);
  }

  /** No segment leaves larger than the wire would carry it: the kernel would otherwise hand over 64 kB at once. */
  segmentsOnly(): void {
    ip('-n', this.name, 'link', 'set', 'dev', this.device, 'gso_max_segs', '1');
  }

  /**
   * Sends this share of the TCP packets by a road of 2 Mbit/s, beside a fast one for all others: they arrive late, behind
   * what was sent after them.
   */
  slowRoad(percent: number): void {
    const slow = '1:2';
    requireProgram('/usr/sbin/tc', 'iproute2');
    this.exec('tc', 'qdisc', 'replace', 'dev', this.device, 'root', 'handle', '1:', 'htb', 'default', '1');
    for (const [classid, rate] of [
      ['1:1', '1gbit'],
      [slow, '2mbit'],
    ]) {
      this.exec(
        'tc',
        'class',
        'add',
        'dev',
        this.device,
        'parent',
        '1:',
        'classid',
        classid,
        'htb',
        'rate',
        rate,
        'burst',
        '1600'
      );
    }
    this.rule('output', `meta l4proto tcp numgen random mod 100 < ${percent} meta priority set ${slow}`);
  }

  /** From now on every packet this end sends or receives is dropped silently: the peer does not exist any more. */
  blackhole(): void {
    this.rule('input', `iifname "${this.device}" drop`);
    this.rule('output', `oifname "${this.device}" drop`);
  }

  /** Takes rules and slow roads away again. */
  flush(): void {
    this.exec('nft', 'flush', 'ruleset');
    if (ip('-n', this.name, 'link', 'show', this.device).includes('qdisc htb')) {
      this.exec('tc', 'qdisc', 'delete', 'dev', this.device, 'root');
    }
  }

  remove(): void {
    try {
      ip('netns', 'delete', this.name);
    } catch {
      // It was never made, or is gone already; both is what is wanted.
    }
  }

  #bringUp(): void {
    ip('-n', this.name, 'link', 'set', 'lo', 'up');
    ip('-n', this.name, 'address', 'add', `${this.ipv4}/24`, 'dev', this.device);
    // Without nodad the address is tentative, and useless, for the first second.
    ip('-n', this.name, '-6', 'address', 'add', `${this.ipv6}/64`, 'dev', this.device, 'nodad');
    ip('-n', this.name, 'link', 'set', this.device, 'up');
  }
}

function run(command: string, args: readonly string[], input?: string): string {
  try {
    return execFileSync(command, args, { encoding: 'utf8', input, stdio: 'pipe', timeout: 10_000 });
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    throw new Error(`${command} ${args.join(' ')}: ${stderr?.trim() || (error as Error).message}`);
  }
}

const ip = (...args: string[]): string => run('ip', args);
