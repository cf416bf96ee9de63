/** A real nginx in a cgroup of the test's own. Its access log is the truth that counts are compared with. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cgroup } from './cgroup';
import { requireProgram } from './requirements';
import { until } from './wait';

/** One line of the access log. */
export interface LogLine {
  method: string;
  /** What nginx answered; 499 where the client had gone before it could. */
  status: number;
  requestTimeSeconds: number;
  bytesSent: number;
  protocol: string;
  /** How many requests its connection had had, itself included. */
  connectionRequests: number;
}

export interface NginxOptions {
  netns?: string;
  /** Addresses to listen on. */
  hosts?: readonly string[];
  /** More `location` blocks. */
  locations?: string;
  /** More lines of the server block, such as timeouts. */
  settings?: string;
  workers?: number;
  /** More parameters of `listen`. */
  listen?: string;
}

/** `/status/<code>` answers with it, whatever the method. */
export const STATUSES = [200, 201, 202, 204, 301, 302, 304, 400, 401, 403, 404, 409, 418, 429, 500, 502, 503, 504];

export class Nginx {
  private constructor(
    readonly port: number,
    /** Its prefix; `files/` in it is served below `/files/`, and takes uploads by PUT. */
    readonly folder: string,
    readonly process: ChildProcess
  ) {}

  static async start(cgroup: Cgroup, options: NginxOptions = {}): Promise<Nginx> {
    const binary = requireProgram('/usr/sbin/nginx', 'nginx');
    const folder = mkdtempSync(join(tmpdir(), 'ringside-nginx-'));
    mkdirSync(join(folder, 'files'));
    const hosts = options.hosts ?? ['127.0.0.1', '::1'];
    // In a namespace of its own any port is free.
    const port = options.netns ? 8080 : await freePort();
    const config = join(folder, 'nginx.conf');
    writeFileSync(config, configuration(folder, port, hosts, options));
    const args = ['-p', folder, '-c', config, '-e', join(folder, 'error.log')];
    const nginx = new Nginx(
      port,
      folder,
      cgroup.spawn(binary, args, { netns: options.netns, stdio: ['ignore', 'ignore', 'inherit'] })
    );
    // It has bound its sockets when it writes its pid.
    await until(
      () => `nginx to start: ${nginx.errors()}`,
      () => textOf(join(folder, 'pid')) !== ''
    );
    return nginx;
  }

  /** The access log so far; complete after `stop()`, since nginx logs a request when it is through with it. */
  log(): LogLine[] {
    const lines = textOf(join(this.folder, 'access.log')).split('\n').filter(Boolean);
    return lines.map((line) => {
      const [method, status, seconds, bytes, protocol, requests] = line.split(' ');
      return {
        method,
        status: Number(status),
        requestTimeSeconds: Number(seconds),
        bytesSent: Number(bytes),
        protocol,
        connectionRequests: Number(requests),
      };
    });
  }

  /** Requests by method and status, such as `{ 'GET 200': 3 }`. */
  counts(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { method, status } of this.log()) {
      const key = `${method} ${status}`;
      counts[key] = (counts[key] ?? 0) + 1;
    }
    return counts;
  }

  errors(): string {
    return textOf(join(this.folder, 'error.log')).trim();
  }

  /** Lets nginx answer what it has, then ends it. The log can still be read; `remove()` deletes it. */
  async stop(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const exited = once(this.process, 'exit');
      this.process.kill('SIGQUIT');
      await exited;
    }
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function configuration(folder: string, port: number, hosts: readonly string[], options: NginxOptions): string {
  const listen = hosts.map(
    (host) => `listen ${host.includes(':') ? `[${host}]` : host}:${port} ${options.listen ?? ''};`
  );
  const statuses = STATUSES.map((status) => `location = /status/${status} { return ${status} ${answerOf(status)}; }`);
  return `
    user root;
    daemon off;
    worker_processes ${options.workers ?? 2};
    pid ${folder}/pid;
    error_log ${folder}/error.log warn;
    events { worker_connections 1024; }
    http {
      # Not buffered: a line is in the file as soon as the request is over.
      log_format counts '$request_method $status $request_time $bytes_sent $server_protocol $connection_requests';
      access_log ${folder}/access.log counts;
      client_body_temp_path ${folder}/body;
      proxy_temp_path ${folder}/proxy;
      fastcgi_temp_path ${folder}/fastcgi;
      uwsgi_temp_path ${folder}/uwsgi;
      scgi_temp_path ${folder}/scgi;
      sendfile on;
      keepalive_requests 100000;
      client_max_body_size 64m;
      server {
        ${listen.join('\n        ')}
        ${options.settings ?? ''}
        ${statuses.join('\n        ')}
        location /files/ { root ${folder}; dav_methods PUT DELETE; create_full_put_path on; }
        # A body that is changed on its way has no length beforehand: it goes out in chunks.
        location /chunked/ { alias ${folder}/files/; sub_filter_types *; sub_filter @ -; sub_filter_once off; }
        ${options.locations ?? ''}
      }
    }`;
}

/** A text after \`return\` makes a body; 204 and 304 have none, redirects need a target. */
function answerOf(status: number): string {
  return status === 204 || status === 304
    ? ''
    : status >= 300 && status < 400
      ? '/status/200'
      : `"answer ${status}\\n"`;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** Empty as long as there is no such file. */
function textOf(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}
