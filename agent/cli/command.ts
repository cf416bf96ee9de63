/** The agent's flags, each with a twin in the environment. `--help` is made of this file and nothing else. */
import { Command, Option } from 'commander';
import { version } from '../../package.json';
import { DEFAULT_HISTORY_BYTES } from '../history/history';
import { DEFAULT_PIN_DIRECTORY } from '../pin/pin-directory';
import {
  byteParser,
  formatBytes,
  parseKubernetes,
  parseListenAddress,
  parseNamespaces,
  parseNodeName,
  parsePath,
  parseSelectorText,
  parseSwitch,
  pathOrSwitchParser,
  wholeNumberParser,
  type ListenAddress,
} from './values';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What the flags say, each by itself; `agent/config.ts` judges them together. */
export interface Flags {
  listen: ListenAddress;
  healthListen?: ListenAddress;
  cgroup: string;
  podsOnly: boolean;
  node: string;
  /** `auto`, `off` or the API server's URL. */
  kubernetes: string;
  kubernetesTokenFile?: string;
  kubernetesCaFile?: string;
  /** `auto`, `off` or the engine's socket. */
  docker: string;
  includeNamespaces: string[];
  excludeNamespaces: string[];
  includePods?: string;
  excludePods?: string;
  tokenFile?: string;
  tlsCert?: string;
  tlsKey?: string;
  tlsClientCa?: string;
  insecure: boolean;
  historyBytes: number;
  /** Where the history is kept on disk besides. */
  historyFile?: string;
  /** The directory to pin in. */
  pin?: string;
  maxSeries: number;
  maxTcpSeries?: number;
  maxSeriesPerContainer: number;
  maxConnections: number;
  tickMs: number;
  objects: string;
  logLevel: LogLevel;
}

/** Below it, minutes rather than hours. */
const MIN_HISTORY_BYTES = 2 ** 20;
const MAX_HISTORY_BYTES = 2 ** 32;

export interface FlagDefaults {
  node: string;
  objects: string;
}

export function buildCommand(defaults: FlagDefaults): Command {
  return new Command('ringside-agent')
    .description('Measures the HTTP and TCP of this node in the kernel and answers questions about it over HTTP.')
    .version(version, '-v, --version', 'print the version and exit')
    .helpOption('-h, --help', 'print this help and exit')
    .addOption(
      flag('--listen <host:port>', 'where to answer; :9420 is every address, port 0 a free one')
        .default(parseListenAddress('127.0.0.1:9420'), '127.0.0.1:9420')
        .argParser(parseListenAddress)
    )
    .addOption(
      flag(
        '--health-listen <host:port>',
        'answer /healthz and /readyz here too, in plain HTTP, for probes that have no certificate'
      ).argParser(parseListenAddress)
    )
    .addOption(
      flag(
        '--cgroup <path>',
        'measure only this cgroup and what is below it; absolute, or relative to the cgroup v2 root'
      )
        .default('/', 'the cgroup v2 root')
        .argParser(parsePath)
    )
    .addOption(
      flag('--pods-only [yes|no]', 'measure only the kubelet’s pods, wherever below --cgroup they are')
        .preset('yes')
        .default(false, 'no')
        .argParser(parseSwitch)
    )
    .addOption(
      flag('--node <name>', 'the name of this node, a label on every series')
        .default(defaults.node, 'the host name')
        .argParser(parseNodeName)
    )
    .addOption(
      flag('--kubernetes <auto|off|url>', 'the API server that knows the names of this node’s pods')
        .default('auto', 'where the agent runs in a pod')
        .argParser(parseKubernetes)
    )
    .addOption(
      flag(
        '--kubernetes-token-file <path>',
        'the bearer token for it, read again when it changes; the service account’s unless given'
      ).argParser(parsePath)
    )
    .addOption(
      flag(
        '--kubernetes-ca-file <path>',
        'the authority that signed its certificate (PEM); the service account’s unless given'
      ).argParser(parsePath)
    )
    .addOption(
      flag('--docker <auto|off|path>', 'the socket of the container engine that knows the names of containers')
        .default('auto', 'where there is one')
        .argParser(parsePath)
    )
    .addOption(
      flag('--include-namespaces <names>', 'measure only the pods of these namespaces, separated by commas')
        .default([], 'all')
        .argParser(parseNamespaces)
    )
    .addOption(
      flag('--exclude-namespaces <names>', 'leave the pods of these namespaces out')
        .default([], 'none')
        .argParser(parseNamespaces)
    )
    .addOption(
      flag('--include-pods <selector>', 'measure only the pods with these labels: app=web,tier!=test').argParser(
        parseSelectorText
      )
    )
    .addOption(flag('--exclude-pods <selector>', 'leave the pods with these labels out').argParser(parseSelectorText))
    .addOption(
      flag('--token-file <path>', 'ask for the bearer token in this file; read again when it changes').argParser(
        parsePath
      )
    )
    .addOption(flag('--tls-cert <path>', 'answer over TLS with this certificate chain (PEM)').argParser(parsePath))
    .addOption(flag('--tls-key <path>', 'the private key of --tls-cert (PEM)').argParser(parsePath))
    .addOption(
      flag('--tls-client-ca <path>', 'ask for a client certificate that this authority signed (PEM)').argParser(
        parsePath
      )
    )
    .addOption(
      flag('--insecure [yes|no]', 'listen beyond loopback without a token or client certificates')
        .preset('yes')
        .default(false, 'no')
        .argParser(parseSwitch)
    )
    .addOption(
      flag('--history-bytes <size>', 'memory for the past, all of it taken at the start')
        .default(DEFAULT_HISTORY_BYTES, formatBytes(DEFAULT_HISTORY_BYTES))
        .argParser(byteParser(MIN_HISTORY_BYTES, MAX_HISTORY_BYTES))
    )
    .addOption(
      flag(
        '--history-file <path>',
        'keep the past in this file, too, so that the next agent goes on from there; about three times --history-bytes'
      ).argParser(parsePath)
    )
    .addOption(pinFlag('keep counting in the kernel while no agent runs, by what is pinned in this directory'))
    .addOption(
      flag('--max-series <count>', 'HTTP series that can be kept apart; what comes after is counted as "other"')
        .default(4_000)
        .argParser(wholeNumberParser(16, 1_000_000))
    )
    .addOption(
      flag(
        '--max-tcp-series <count>',
        'the same for TCP, where a container has two; a quarter of --max-series unless given'
      ).argParser(wholeNumberParser(16, 1_000_000))
    )
    .addOption(
      flag('--max-series-per-container <count>', 'HTTP series one container can have; the rest is its own "other"')
        .default(200)
        .argParser(wholeNumberParser(1, 1_000_000))
    )
    .addOption(
      flag('--max-connections <count>', 'open TCP connections that are followed at a time')
        .default(8_192)
        .argParser(wholeNumberParser(16, 4_000_000))
    )
    .addOption(
      flag('--tick-ms <milliseconds>', 'how often the kernel’s counters are read into the history')
        .default(1_000)
        .argParser(wholeNumberParser(1_000, 60_000))
    )
    .addOption(
      flag('--objects <path>', 'the folder with the BPF objects (*.bpf.o)')
        .default(defaults.objects, 'beside the agent')
        .argParser(parsePath)
    )
    .addOption(
      flag('--log-level <level>', 'how much to log, as JSON on standard error').choices(LOG_LEVELS).default('info')
    )
    .addHelpText(
      'after',
      '\nringside-agent detach removes what --pin has left in the kernel.\n' +
        'Without a token file or a client CA the agent listens on loopback addresses only.\n' +
        'It needs root, or CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN; Linux 5.10 or newer with BTF; cgroup v2.'
    )
    .showHelpAfterError('Run ringside-agent --help for every flag.')
    .allowExcessArguments(true);
}

/** Of the agent, and of what removes its pins. */
export function pinFlag(description: string): Option {
  return flag('--pin [path]', `${description}; ${DEFAULT_PIN_DIRECTORY} unless named`)
    .preset('yes')
    .argParser(pathOrSwitchParser(DEFAULT_PIN_DIRECTORY));
}

/** A flag whose twin in the environment has its name in capitals: `--tick-ms` and RINGSIDE_TICK_MS. */
function flag(flags: string, description: string): Option {
  const option = new Option(flags, description);
  return option.env(`RINGSIDE_${option.name().toUpperCase().replaceAll('-', '_')}`);
}
