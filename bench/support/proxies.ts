/** Proxies as sidecars are set up: in front of one server, connections kept on both sides, no access log. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cgroup } from '../../test/support/cgroup';
import { until } from '../../test/support/wait';
import { freePort } from './ports';
import { find, whyMissing, type ProgramName } from './programs';

export interface ProxyOptions {
  /** Of the server behind it. */
  port: number;
  /** Threads or processes that do the work. */
  workers: number;
}

export interface Proxy {
  port: number;
  /** Its files; the process ends with its cgroup. */
  remove(): void;
}

export interface ProxyKind {
  name: string;
  program: ProgramName;
  start(cgroup: Cgroup, options: ProxyOptions): Promise<Proxy>;
}

export const PROXIES: readonly ProxyKind[] = [
  { name: 'haproxy in front', program: 'haproxy', start: (cgroup, options) => start('haproxy', cgroup, options) },
  { name: 'nginx in front', program: 'nginx', start: (cgroup, options) => start('nginx', cgroup, options) },
  { name: 'Envoy in front', program: 'envoy', start: (cgroup, options) => start('envoy', cgroup, options) },
];

/** Those that are installed, and why the others are not among them. */
export function proxiesHere(missed: (name: string, reason: string) => void): Array<ProxyKind & { version: string }> {
  return PROXIES.flatMap((kind) => {
    const installed = find(kind.program);
    if (!installed) {
      missed(kind.name, whyMissing(kind.program));
      return [];
    }
    return [{ ...kind, version: `${kind.program} ${installed.version}` }];
  });
}

interface Place extends ProxyOptions {
  /** Where it listens. */
  own: number;
  folder: string;
}

interface Setup {
  file: string;
  configuration(place: Place): string;
  flags(config: string, place: Place): string[];
}

const SETUPS: Record<string, Setup> = {
  haproxy: {
    file: 'haproxy.cfg',
    flags: (config) => ['-db', '-f', config],
    configuration: ({ own, port, workers }) => `
global
  nbthread ${workers}
  maxconn 1024
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend in
  bind 127.0.0.1:${own}
  default_backend out
backend out
  server app 127.0.0.1:${port}
`,
  },
  nginx: {
    file: 'nginx.conf',
    flags: (config, { folder }) => ['-p', folder, '-c', config, '-e', join(folder, 'error.log')],
    configuration: ({ own, port, workers, folder }) => `
user root;
daemon off;
worker_processes ${workers};
pid ${folder}/pid;
events { worker_connections 1024; }
http {
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  upstream app { server 127.0.0.1:${port}; keepalive 64; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${own};
    location / { proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}
`,
  },
  envoy: {
    file: 'envoy.yaml',
    flags: (config, { workers }) => ['-c', config, '--concurrency', String(workers), '--log-level', 'error'],
    // JSON is YAML, too.
    configuration: ({ own, port }) => JSON.stringify(envoyConfiguration(own, port)),
  },
};

async function start(program: ProgramName, cgroup: Cgroup, options: ProxyOptions): Promise<Proxy> {
  const folder = mkdtempSync(join(tmpdir(), 'ringside-proxy-'));
  const own = await freePort();
  const { file, configuration, flags } = SETUPS[program];
  const config = join(folder, file);
  const place = { ...options, own, folder };
  writeFileSync(config, configuration(place));
  const child = cgroup.spawn(find(program)!.path, flags(config, place), { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr!.on('data', (chunk) => (errors += chunk));
  await until(
    () => `${program} to pass on what it is asked: ${errors}`,
    () =>
      fetch(`http://127.0.0.1:${own}/status/200`).then(
        ({ ok }) => ok,
        () => false
      ),
    { timeoutMs: 30_000, everyMs: 20 }
  );
  return { port: own, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

function envoyConfiguration(own: number, port: number): unknown {
  const at = (number: number) => ({ socket_address: { address: '127.0.0.1', port_value: number } });
  const type = (name: string) => `type.googleapis.com/envoy.extensions.filters.${name}`;
  const route = { match: { prefix: '/' }, route: { cluster: 'app' } };
  const manager = {
    '@type': type('network.http_connection_manager.v3.HttpConnectionManager'),
    stat_prefix: 'in',
    route_config: { virtual_hosts: [{ name: 'app', domains: ['*'], routes: [route] }] },
    http_filters: [{ name: 'router', typed_config: { '@type': type('http.router.v3.Router') } }],
  };
  const endpoint = { endpoint: { address: at(port) } };
  return {
    static_resources: {
      listeners: [{ address: at(own), filter_chains: [{ filters: [{ name: 'http', typed_config: manager }] }] }],
      clusters: [
        {
          name: 'app',
          type: 'STATIC',
          load_assignment: { cluster_name: 'app', endpoints: [{ lb_endpoints: [endpoint] }] },
        },
      ],
    },
  };
}
