/** The agent's configuration: one object, complete and judged as a whole. Nothing else reads flags or the environment. */
import { existsSync, readdirSync } from 'node:fs';
import { BlockList, isIP } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { buildCommand, type Flags, type LogLevel } from './cli/command';
import type { Limits } from './collect/program';
import type { FilterOptions } from './identity/filter';
import { formatListenAddress, type ListenAddress } from './cli/values';

/** A container has about eight HTTP series for its two TCP ones. */
const MIN_TCP_SERIES = 16;

export interface Config {
  listen: ListenAddress;
  /** Where probes are answered beside it. */
  healthListen?: ListenAddress;
  /** As given: absolute, or relative to the cgroup v2 root. */
  cgroup: string;
  /** Of it, only the kubelet's pods. */
  podsOnly: boolean;
  node: string;
  /** `auto`, `off`, or where it is: the API server's URL, the engine's socket. */
  kubernetes: string;
  kubernetesTokenFile?: string;
  kubernetesCaFile?: string;
  docker: string;
  filter: FilterOptions;
  /** Who may ask. Without both the agent listens on loopback only. */
  tokenFile?: string;
  tls?: TlsFiles;
  /** Neither of them is asked for, nor --insecure given. */
  loopbackOnly: boolean;
  historyBytes: number;
  /** Where the history is kept on disk besides. */
  historyFile?: string;
  /** The directory of a BPF file system to pin in. */
  pin?: string;
  limits: Limits;
  tickMs: number;
  /** The folder with the `*.bpf.o` files. */
  objects: string;
  logLevel: LogLevel;
  /** What the person who started the agent should know and has not asked; one sentence each. */
  warnings: string[];
}

/** Paths of PEM files. */
export interface TlsFiles {
  cert: string;
  key: string;
  clientCa?: string;
}

/**
 * @param argv as `process.argv`: the first two are not flags
 * @throws CommanderError after the message is written; its `exitCode` is 0 for --help and --version
 */
export function readConfig(argv: readonly string[], adjust: (command: Command) => void = () => {}): Config {
  const command = buildCommand({ node: hostname(), objects: findObjects() }).exitOverride();
  adjust(command);
  const flags = command.parse(argv).opts<Flags>();
  const fault = command.args.length > 0 ? `"${command.args[0]}" is not a flag.` : faultOf(flags);
  if (fault) {
    command.error(`error: ${fault}`);
  }
  const { tlsCert, tlsKey, tlsClientCa, insecure, ...others } = flags;
  const { maxSeries, maxTcpSeries, maxSeriesPerContainer, maxConnections, ...more } = others;
  const { includeNamespaces, excludeNamespaces, includePods, excludePods, ...rest } = more;
  const tls = tlsCert && tlsKey ? { cert: tlsCert, key: tlsKey, clientCa: tlsClientCa } : undefined;
  return {
    ...rest,
    tls,
    loopbackOnly: !isGuarded(flags) && !insecure,
    filter: { includeNamespaces, excludeNamespaces, includePods, excludePods },
    limits: {
      maxSeries,
      maxTcpSeries: maxTcpSeries ?? Math.max(MIN_TCP_SERIES, Math.ceil(maxSeries / 4)),
      maxSeriesPerContainer,
      maxConnections,
    },
    warnings: warningsOf(flags),
  };
}

/** What is wrong with the flags taken together, in one sentence. */
function faultOf(flags: Flags): string | undefined {
  if (flags.tlsCert && !flags.tlsKey) {
    return '--tls-cert needs --tls-key, the private key that belongs to it.';
  }
  if (flags.tlsKey && !flags.tlsCert) {
    return '--tls-key needs --tls-cert, the certificate that belongs to it.';
  }
  if (flags.tlsClientCa && !flags.tlsCert) {
    return '--tls-client-ca needs --tls-cert and --tls-key: client certificates exist in TLS only.';
  }
  if (!isGuarded(flags) && !isLoopback(flags.listen.host) && !flags.insecure) {
    return (
      `--listen ${formatListenAddress(flags.listen)} would let anyone who reaches this machine read its telemetry. ` +
      'Give --token-file or --tls-client-ca, or listen on 127.0.0.1 or [::1], or say --insecure to do it all the same.'
    );
  }
  return undefined;
}

function warningsOf(flags: Flags): string[] {
  if (isLoopback(flags.listen.host)) {
    return [];
  }
  if (!isGuarded(flags)) {
    return ['--insecure: anyone who reaches this machine can read its telemetry.'];
  }
  return flags.tlsCert ? [] : ['The bearer token travels in clear text: give --tls-cert and --tls-key.'];
}

function isGuarded(flags: Flags): boolean {
  return flags.tokenFile !== undefined || flags.tlsClientCa !== undefined;
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8);
LOOPBACK.addAddress('::1', 'ipv6');

/** Only what is loopback on every machine: a name may point anywhere, "localhost" excepted. */
export function isLoopback(host: string): boolean {
  const family = isIP(host);
  return family === 0 ? host === 'localhost' : LOOPBACK.check(host, family === 4 ? 'ipv4' : 'ipv6');
}

/** Beside the bundle where there is one; in a checkout, where clang leaves them. */
function findObjects(): string {
  const beside = __dirname;
  const built = join(__dirname, '..', 'bpf', '.output');
  const holdsObjects = existsSync(beside) && readdirSync(beside).some((name) => name.endsWith('.bpf.o'));
  return holdsObjects || !existsSync(built) ? beside : built;
}
