import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { isLoopback, readConfig } from '../../../agent/config';

const environment = { ...process.env };
afterEach(() => {
  process.env = { ...environment };
});

/** What the agent says and how it ends, for these flags. */
function run(flags: string[], env: Record<string, string> = {}) {
  process.env = { ...environment, ...env };
  let output = '';
  const write = (text: string) => void (output += text);
  try {
    const config = readConfig(['node', 'main.js', ...flags], (command) =>
      command.configureOutput({ writeOut: write, writeErr: write, getOutHelpWidth: () => 200 })
    );
    return { config, output, exitCode: undefined };
  } catch (error) {
    return { config: undefined, output, exitCode: (error as { exitCode?: number }).exitCode };
  }
}

const refusal = (flags: string[], env?: Record<string, string>) => {
  const { config, output, exitCode } = run(flags, env);
  expect(config).toBeUndefined();
  expect(exitCode).toBe(1);
  expect(output).not.toMatch(/^\s+at /m);
  return output;
};

describe('defaults', () => {
  it('listen on loopback and measure the whole node', () => {
    expect(run([]).config).toMatchObject({
      listen: { host: '127.0.0.1', port: 9420 },
      cgroup: '/',
      node: hostname(),
      tls: undefined,
      historyBytes: 4 * 2 ** 20,
      tickMs: 1_000,
      logLevel: 'info',
      loopbackOnly: true,
      warnings: [],
    });
    expect(existsSync(run([]).config!.objects)).toBe(true);
  });
});

describe('flags and their twins', () => {
  const twins: Array<[flag: string, value: string, expected: object]> = [
    ['--listen', '[::1]:0', { listen: { host: '::1', port: 0 } }],
    ['--cgroup', '/system.slice', { cgroup: '/system.slice' }],
    ['--node', 'worker-7.example', { node: 'worker-7.example' }],
    ['--token-file', '/etc/token', { tokenFile: '/etc/token' }],
    ['--history-bytes', '16MiB', { historyBytes: 16 * 2 ** 20 }],
    ['--history-bytes', '2000000', { historyBytes: 2_000_000 }],
    ['--history-bytes', '1.5 GB', { historyBytes: 1.5e9 }],
    ['--max-series', '500', { limits: { maxSeries: 500, maxTcpSeries: 125 } }],
    ['--max-series', '16', { limits: { maxSeries: 16, maxTcpSeries: 16 } }],
    ['--max-tcp-series', '700', { limits: { maxSeries: 4_000, maxTcpSeries: 700 } }],
    ['--max-series-per-container', '50', { limits: { maxSeriesPerContainer: 50 } }],
    ['--max-connections', '1000', { limits: { maxConnections: 1_000 } }],
    ['--health-listen', ':9421', { healthListen: { host: '', port: 9_421 } }],
    ['--pods-only', 'yes', { podsOnly: true }],
    ['--kubernetes', 'https://10.96.0.1:443/', { kubernetes: 'https://10.96.0.1' }],
    ['--kubernetes', 'off', { kubernetes: 'off' }],
    ['--kubernetes-token-file', '/var/run/token', { kubernetesTokenFile: '/var/run/token' }],
    ['--kubernetes-ca-file', '/var/run/ca.crt', { kubernetesCaFile: '/var/run/ca.crt' }],
    ['--docker', '/run/podman/podman.sock', { docker: '/run/podman/podman.sock' }],
    ['--include-namespaces', 'shop, payments', { filter: { includeNamespaces: ['shop', 'payments'] } }],
    ['--exclude-namespaces', 'kube-system', { filter: { excludeNamespaces: ['kube-system'] } }],
    ['--include-pods', 'app=web', { filter: { includePods: 'app=web' } }],
    ['--exclude-pods', 'tier in (test, lab)', { filter: { excludePods: 'tier in (test, lab)' } }],
    ['--tick-ms', '2000', { tickMs: 2_000 }],
    ['--objects', '/opt/bpf', { objects: '/opt/bpf' }],
    ['--log-level', 'debug', { logLevel: 'debug' }],
  ];

  it.each(twins)('%s %s', (flag, value, expected) => {
    const variable = `RINGSIDE_${flag.slice(2).toUpperCase().replaceAll('-', '_')}`;
    expect(run([flag, value]).config).toMatchObject(expected);
    expect(run([`${flag}=${value}`]).config).toMatchObject(expected);
    expect(run([], { [variable]: value }).config).toMatchObject(expected);
  });

  it('a flag wins over its twin', () => {
    expect(run(['--node', 'a'], { RINGSIDE_NODE: 'b' }).config!.node).toBe('a');
  });

  it('TLS files become one thing', () => {
    const { config } = run(['--tls-cert', 'c', '--tls-key', 'k', '--tls-client-ca', 'a']);
    expect(config!.tls).toEqual({ cert: 'c', key: 'k', clientCa: 'a' });
  });

  it.each([
    ['127.0.0.1:9420', '127.0.0.1', 9420],
    ['localhost:80', 'localhost', 80],
    ['[::1]:9420', '::1', 9420],
    ['127.8.8.8:0', '127.8.8.8', 0],
  ])('--listen %s', (text, host, port) => {
    expect(run(['--listen', text]).config!.listen).toEqual({ host, port });
  });
});

describe('a wrong value says what was received and what is expected', () => {
  it.each([
    ['--listen', '9420', 'host:port'],
    ['--listen', '127.0.0.1', 'host:port'],
    ['--listen', '127.0.0.1:65536', '0 to 65535'],
    ['--listen', '127.0.0.1:http', 'host:port'],
    ['--listen', '::1:9420', 'host:port'],
    ['--listen', '[localhost]:9420', 'host:port'],
    ['--listen', '127.0.0:9420', 'not an IPv4 address'],
    ['--listen', 'http://x:9420', 'host:port'],
    ['--history-bytes', 'lots', '1MiB to 4GiB'],
    ['--history-bytes', '8 elephants', '1MiB to 4GiB'],
    ['--history-bytes', '1KiB', '1MiB to 4GiB'],
    ['--history-bytes', '5GiB', '1MiB to 4GiB'],
    ['--max-series', '1e3', 'whole number from 16'],
    ['--max-series', '0', 'whole number from 16'],
    ['--max-connections', '-1', 'whole number from 16'],
    ['--tick-ms', '10', 'whole number from 1000 to 60000'],
    ['--node', 'two words', 'without spaces'],
    ['--node', '', 'without spaces'],
    ['--log-level', 'loud', 'trace, debug, info'],
    ['--token-file', '', 'a path'],
    ['--cgroup', ' ', 'a path'],
  ])('%s %s', (flag, value, expected) => {
    const variable = `RINGSIDE_${flag.slice(2).toUpperCase().replaceAll('-', '_')}`;
    const byFlag = refusal([`${flag}=${value}`]);
    expect(byFlag).toContain(flag);
    expect(byFlag).toContain(`'${value}'`);
    expect(byFlag).toContain(expected);
    const byVariable = refusal([], { [variable]: value });
    expect(byVariable).toContain(variable);
    expect(byVariable).toContain(expected);
  });
});

describe('a wrong flag', () => {
  it('names the likely one', () => {
    expect(refusal(['--lisen', ':1'])).toContain('Did you mean --listen?');
    expect(refusal(['--tokenfile', 'x'])).toContain('Did you mean --token-file?');
    expect(refusal(['--wibble'])).toContain('--help');
  });

  it('and a stray word are refused', () => {
    expect(refusal(['start'])).toContain('"start" is not a flag');
  });

  it.each([
    ['--kubernetes', 'http://10.96.0.1', 'https://'],
    ['--kubernetes', 'https://user:word@10.96.0.1', 'https://'],
    ['--include-namespaces', 'Shop', '"Shop" is not the name of a namespace'],
    ['--exclude-namespaces', ' , ', 'separated by commas'],
    ['--include-pods', 'app in web', 'app in web'],
    ['--max-series-per-container', '0', 'from 1 to 1000000'],
  ])('%s %s is refused', (flag, value, said) => {
    expect(refusal([flag, value])).toContain(said);
  });

  it('and a missing value are refused', () => {
    expect(refusal(['--node'])).toContain('--node <name>');
  });
});

describe('--help and --version', () => {
  it('the help has every flag, its default and its variable', () => {
    const { output, exitCode } = run(['--help']);
    expect(exitCode).toBe(0);
    const config = run(['--tls-cert', 'c', '--tls-key', 'k']).config!;
    expect(Object.keys(config)).toHaveLength(15);
    for (const flag of [
      'listen',
      'health-listen',
      'cgroup',
      'pods-only',
      'node',
      'kubernetes',
      'kubernetes-token-file',
      'kubernetes-ca-file',
      'docker',
      'include-namespaces',
      'exclude-namespaces',
      'include-pods',
      'exclude-pods',
      'token-file',
      'tls-cert',
      'tls-key',
      'tls-client-ca',
      'insecure',
      'history-bytes',
      'max-series',
      'max-tcp-series',
      'max-series-per-container',
      'max-connections',
      'tick-ms',
      'objects',
      'log-level',
    ]) {
      const variable = `RINGSIDE_${flag.toUpperCase().replaceAll('-', '_')}`;
      expect(output).toMatch(new RegExp(`--${flag} [<[][^\\n]*(\\n {10,}[^\\n]*)*env:\\s+${variable}\\)`));
    }
    for (const value of [
      '127.0.0.1:9420',
      'the cgroup v2 root',
      'the host name',
      '4MiB',
      '4000',
      '8192',
      '1000',
      '"info"',
      'no',
    ]) {
      expect(output).toContain(`default: ${value}`);
    }
  });

  it('the version is the package’s', () => {
    const { version } = require('../../../package.json');
    expect(run(['--version'])).toMatchObject({ output: `${version}\n`, exitCode: 0 });
  });
});

describe('who may ask', () => {
  const beyond = [
    '0.0.0.0:9420',
    ':9420',
    '[::]:9420',
    '192.168.1.7:9420',
    'node.example:9420',
    '[fe80::1]:9420',
    '[::ffff:10.0.0.1]:1',
  ];

  it.each(beyond)('%s needs a token or client certificates', (address) => {
    const output = refusal(['--listen', address]);
    expect(output).toContain(`--listen ${address}`);
    expect(output).toContain('--token-file');
    expect(output).toContain('--insecure');
    // TLS alone hides what is said, not from whom.
    refusal(['--listen', address, '--tls-cert', 'c', '--tls-key', 'k']);
    expect(run(['--listen', address, '--token-file', 't']).config).toBeDefined();
    expect(
      run(['--listen', address, '--tls-cert', 'c', '--tls-key', 'k', '--tls-client-ca', 'a']).config
    ).toBeDefined();
  });

  it('--insecure opens it and warns; its variable can also say no', () => {
    const { config } = run(['--insecure', '--listen', ':9420']);
    expect(config!.warnings).toEqual([expect.stringContaining('anyone')]);
    expect(config!.loopbackOnly).toBe(false);
    expect(run(['--token-file', 't']).config!.loopbackOnly).toBe(false);
    expect(run(['--listen', ':9420'], { RINGSIDE_INSECURE: 'yes' }).config).toBeDefined();
    for (const no of ['no', 'false', '0']) {
      refusal(['--listen', ':9420'], { RINGSIDE_INSECURE: no });
    }
    expect(refusal(['--listen', ':9420'], { RINGSIDE_INSECURE: 'perhaps' })).toContain('yes or no');
  });

  it('warns of a token in clear text, beyond loopback only', () => {
    expect(run(['--token-file', 't']).config!.warnings).toEqual([]);
    expect(run(['--token-file', 't', '--listen', ':1']).config!.warnings).toEqual([
      expect.stringContaining('clear text'),
    ]);
    expect(run(['--token-file', 't', '--listen', ':1', '--tls-cert', 'c', '--tls-key', 'k']).config!.warnings).toEqual(
      []
    );
  });

  it.each([
    [['--tls-cert', 'c'], '--tls-cert needs --tls-key'],
    [['--tls-key', 'k'], '--tls-key needs --tls-cert'],
    [['--tls-client-ca', 'a'], '--tls-client-ca needs --tls-cert'],
  ])('%s', (flags, message) => {
    expect(refusal(flags)).toContain(message);
  });

  it('knows loopback', () => {
    for (const host of ['127.0.0.1', '127.255.255.254', '::1', '::ffff:127.0.0.1', 'localhost']) {
      expect([host, isLoopback(host)]).toEqual([host, true]);
    }
    for (const host of [
      '',
      '0.0.0.0',
      '::',
      '128.0.0.1',
      '10.0.0.1',
      '::2',
      'localhost.example',
      '127.0.0.1.example',
    ]) {
      expect([host, isLoopback(host)]).toEqual([host, false]);
    }
  });
});
