/**
 * A small API server: list and watch of pods, over TLS, with tokens, a log of events that can be compacted, and every
 * fault that a real one has been seen with. What it sends has the form of what kube-apiserver sends.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificates, type Certificates } from './certificates';
import type { PodObject } from './pod-object';

export { podObject, type PodObject, type PodSketch } from './pod-object';

export type Verb = 'list' | 'watch';

/** What the next requests get instead of an answer. */
export interface Fault {
  /** Default: both. `continue`: pages of a list after the first. */
  on?: Verb | 'continue';
  /** How many requests; default: all, until `heal()`. */
  times?: number;
  /** Answer with this status, and a `Status` as the body. */
  status?: number;
  reason?: string;
  message?: string;
  /** Of the `Status` too. */
  headers?: Readonly<Record<string, string>>;
  /** Answer 200 with this text, and end; or do not end. */
  text?: string;
  endless?: true;
  /** Close the connection without an answer. */
  cut?: true;
  /** Never answer. */
  stall?: true;
  /** Answer as usual, but later. */
  delayMs?: number;
}

export interface ApiServerOptions {
  /** Default: 127.0.0.1. */
  host?: string;
  /** Default: as often as a real one. */
  bookmarkMs?: number;
  /** A real one answers a list with `resourceVersion=0` from memory and ignores `limit`. Default: so does this. */
  cache?: boolean;
}

export interface LoggedRequest {
  verb: Verb;
  query: Readonly<Record<string, string>>;
  status: number;
}

interface LogEntry {
  version: number;
  before?: PodObject;
  after?: PodObject;
}

interface Watch {
  response: ServerResponse;
  node: string | undefined;
  bookmarks: boolean;
  stalled: boolean;
  timers: NodeJS.Timeout[];
}

export class ApiServer {
  readonly #folder = mkdtempSync(join(tmpdir(), 'ringside-api-server-'));
  #certificates: Certificates;
  readonly #options: Required<ApiServerOptions>;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #watches = new Set<Watch>();
  readonly #pods = new Map<string, PodObject>();
  /** Lists that are read page by page, as they were when they began. */
  readonly #snapshots = new Map<string, { version: number; items: PodObject[] }>();
  #tokens = new Set<string>();
  #log: LogEntry[] = [];
  #faults: Array<Required<Pick<Fault, 'times'>> & Fault> = [];
  #version = 1_000;
  #compactedVersion = 0;
  #port = 0;
  /** Every request that was let in, the first one first. */
  readonly requests: LoggedRequest[] = [];

  private constructor(options: ApiServerOptions) {
    this.#options = { host: '127.0.0.1', bookmarkMs: 60_000, cache: true, ...options };
    this.#certificates = makeCertificates(this.#folder);
    const { cert, key } = this.#certificates;
    this.#server = createServer({ cert, key }, (request, response) => void this.#answer(request, response));
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.rotateToken();
  }

  static async start(options: ApiServerOptions = {}): Promise<ApiServer> {
    const server = new ApiServer(options);
    await server.up();
    return server;
  }

  get url(): string {
    const { host } = this.#options;
    return `https://${host.includes(':') ? `[${host}]` : host}:${this.#port}`;
  }

  get caFile(): string {
    return this.#certificates.caFile;
  }

  get tokenFile(): string {
    return join(this.#folder, 'token');
  }

  /** All that is there, by UID. */
  get pods(): ReadonlyMap<string, PodObject> {
    return this.#pods;
  }

  get version(): number {
    return this.#version;
  }

  /** Watches that are open. */
  get watching(): number {
    return this.#watches.size;
  }

  /** Connections that are open, idle ones too. */
  get connections(): number {
    return this.#sockets.size;
  }

  upsertPod(pod: PodObject): void {
    const after = { ...pod, metadata: { ...pod.metadata, resourceVersion: String(++this.#version) } };
    const before = this.#pods.get(pod.metadata.uid);
    this.#pods.set(pod.metadata.uid, after);
    this.#happened({ version: this.#version, before, after });
  }

  deletePod(uid: string): void {
    const before = this.#pods.get(uid);
    if (before && this.#pods.delete(uid)) {
      this.#happened({ version: ++this.#version, before });
    }
  }

  /** Other objects of the cluster change too: the version moves on, and no watch of pods hears of it. */
  advance(versions = 1): void {
    this.#version += versions;
  }

  /** Forgets the past: versions before this moment are gone, lists that are read page by page among them. */
  compact(): void {
    this.#compactedVersion = this.#version;
    this.#log = [];
    this.#snapshots.clear();
  }

  /** As after a restore of etcd: the versions that clients hold are of a future that never was. */
  restore(): void {
    this.#version = 500;
    this.#log = [];
    this.#snapshots.clear();
    this.#compactedVersion = 0;
    for (const [uid, pod] of this.#pods) {
      this.#pods.set(uid, { ...pod, metadata: { ...pod.metadata, resourceVersion: String(++this.#version) } });
    }
  }

  fault(fault: Fault): void {
    this.#faults.push({ times: Infinity, ...fault });
  }

  /** Takes all faults back. */
  heal(): void {
    this.#faults = [];
    this.#watches.forEach((watch) => (watch.stalled = false));
  }

  /** Cuts every connection. */
  cut(): void {
    this.#sockets.forEach((socket) => socket.resetAndDestroy());
  }

  /** Ends every open watch as a server does whose time for it is over. */
  endWatches(): void {
    this.#watches.forEach(({ response }) => response.end());
  }

  /** Open watches hear of nothing any more, and are not told. */
  stallWatches(): void {
    this.#watches.forEach((watch) => (watch.stalled = true));
  }

  /** Sends text to every open watch, whatever it is. */
  send(text: string): void {
    this.#watches.forEach(({ response }) => write(response, text));
  }

  sendError(code: number, reason: string, message: string): void {
    this.send(`${JSON.stringify({ type: 'ERROR', object: statusObject({ code, reason, message }) })}\n`);
  }

  sendBookmark(): void {
    this.#watches.forEach((watch) => this.#bookmark(watch));
  }

  /** @param inFile false: only the server knows it, as when the kubelet is late */
  rotateToken({ inFile = true } = {}): string {
    const token = `token-${randomUUID()}`;
    this.#tokens = new Set([token]);
    if (inFile) {
      this.writeToken(token);
    }
    return token;
  }

  /** In one step, as the kubelet does. */
  writeToken(token: string): void {
    writeFileSync(`${this.tokenFile}.new`, `${token}\n`);
    renameSync(`${this.tokenFile}.new`, this.tokenFile);
  }

  /** Another authority, in the same file, and a certificate from it. */
  rotateCertificates(): void {
    this.#certificates = makeCertificates(this.#folder);
    this.#server.setSecureContext(this.#certificates);
  }

  /** Nothing listens any more, until `up()`; on the same port. */
  async down(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut();
    await closed;
  }

  async up(): Promise<void> {
    this.#server.listen(this.#port, this.#options.host);
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    if (this.#server.listening) {
      await this.down();
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', this.url);
    const query = Object.fromEntries(searchParams);
    const verb: Verb = ['true', '1'].includes(query.watch) ? 'watch' : 'list';
    response.once('close', () => this.requests.push({ verb, query, status: response.statusCode }));
    const fault = this.#faultOf(verb, query);
    if (fault?.delayMs !== undefined) {
      await new Promise((resolve) => setTimeout(resolve, fault.delayMs));
    }
    if (fault?.stall) {
      return;
    }
    if (fault?.cut) {
      request.socket.destroy();
      return;
    }
    if (fault?.text !== undefined) {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write(fault.text);
      if (!fault.endless) {
        response.end();
      }
      return;
    }
    if (fault?.status !== undefined) {
      this.#refuse(response, { ...fault, code: fault.status });
      return;
    }
    if (!this.#tokens.has(request.headers.authorization?.replace(/^Bearer /, '') ?? '')) {
      this.#refuse(response, { code: 401, reason: 'Unauthorized', message: 'Unauthorized' });
    } else if (pathname !== '/api/v1/pods') {
      const message = 'the server could not find the requested resource';
      this.#refuse(response, { code: 404, reason: 'NotFound', message });
    } else if (verb === 'watch') {
      this.#watch(response, query);
    } else {
      this.#list(response, query);
    }
  }

  #faultOf(verb: Verb, query: Readonly<Record<string, string>>): Fault | undefined {
    const found = this.#faults.find(
      ({ on = verb, times }) => times > 0 && (on === 'continue' ? query.continue !== undefined : on === verb)
    );
    if (found) {
      found.times--;
    }
    return found;
  }

  #list(response: ServerResponse, query: Readonly<Record<string, string>>): void {
    const { limit, resourceVersion, continue: token } = query;
    const position = token === undefined ? undefined : JSON.parse(Buffer.from(token, 'base64url').toString());
    const snapshot = position ? this.#snapshots.get(position.snapshot) : this.#snapshot(nodeOf(query));
    if (Number(resourceVersion ?? 0) > this.#version) {
      this.#refuseFuture(response, resourceVersion);
      return;
    }
    if (!snapshot) {
      this.#refuse(response, {
        code: 410,
        reason: 'Expired',
        message:
          'The provided continue parameter is too old to display a consistent list result. You can start a new list ' +
          'without the continue parameter, or use the continue token in this response to retrieve the remainder of ' +
          'the results. Continuing with the provided token results in an inconsistent list.',
      });
      return;
    }
    const isCached = this.#options.cache && resourceVersion !== undefined;
    const from: number = position?.from ?? 0;
    const to = limit === undefined || isCached ? snapshot.items.length : from + Number(limit);
    const metadata: Record<string, unknown> = { resourceVersion: String(snapshot.version) };
    if (to < snapshot.items.length) {
      const id = position?.snapshot ?? randomUUID();
      this.#snapshots.set(id, snapshot);
      metadata.continue = Buffer.from(JSON.stringify({ snapshot: id, from: to })).toString('base64url');
      metadata.remainingItemCount = snapshot.items.length - to;
    }
    response.writeHead(200, { 'content-type': 'application/json' });
    const items = snapshot.items.slice(from, to);
    response.end(`${JSON.stringify({ kind: 'PodList', apiVersion: 'v1', metadata, items })}\n`);
  }

  #snapshot(node: string | undefined): { version: number; items: PodObject[] } {
    const keyOf = ({ metadata: { namespace, name } }: PodObject) => `${namespace}/${name}`;
    const items = [...this.#pods.values()].filter((pod) => isOn(pod, node));
    return { version: this.#version, items: items.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)) };
  }

  #watch(response: ServerResponse, query: Readonly<Record<string, string>>): void {
    const node = nodeOf(query);
    const from = Number(query.resourceVersion ?? 0);
    if (from > this.#version) {
      this.#refuseFuture(response, query.resourceVersion);
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    if (from !== 0 && from < this.#compactedVersion) {
      // A watch has begun, whatever is the matter: it is an event.
      const message = `too old resource version: ${from} (${this.#compactedVersion})`;
      response.end(
        `${JSON.stringify({ type: 'ERROR', object: statusObject({ code: 410, reason: 'Expired', message }) })}\n`
      );
      return;
    }
    const bookmarks = query.allowWatchBookmarks === 'true';
    const watch: Watch = { response, node, bookmarks, stalled: false, timers: [] };
    watch.timers.push(
      setInterval(() => this.#bookmark(watch), this.#options.bookmarkMs),
      setTimeout(
        () => {
          this.#bookmark(watch);
          response.end();
        },
        Number(query.timeoutSeconds ?? 1_800) * 1000
      )
    );
    this.#watches.add(watch);
    response.once('close', () => {
      watch.timers.forEach(clearTimeout);
      this.#watches.delete(watch);
    });
    if (from === 0) {
      this.#snapshot(node).items.forEach((pod) => emit(watch, 'ADDED', pod));
    }
    this.#log.filter(({ version }) => from !== 0 && version > from).forEach((entry) => tell(watch, entry));
  }

  #happened(entry: LogEntry): void {
    this.#log.push(entry);
    this.#watches.forEach((watch) => tell(watch, entry));
  }

  #bookmark(watch: Watch): void {
    if (watch.bookmarks) {
      emit(watch, 'BOOKMARK', {
        metadata: { resourceVersion: String(this.#version), creationTimestamp: null },
        spec: { containers: null },
        status: {},
      });
    }
  }

  #refuseFuture(response: ServerResponse, version: string): void {
    this.#refuse(response, {
      code: 504,
      reason: 'Timeout',
      message: `Too large resource version: ${version}, current: ${this.#version}`,
      headers: { 'retry-after': '1' },
    });
  }

  #refuse(response: ServerResponse, status: StatusSketch & { headers?: Readonly<Record<string, string>> }): void {
    response.writeHead(status.code, { 'content-type': 'application/json', ...status.headers });
    response.end(`${JSON.stringify(statusObject(status))}\n`);
  }
}

interface StatusSketch {
  code: number;
  reason?: string;
  message?: string;
}

function statusObject({ code, reason, message }: StatusSketch): object {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code };
}

function nodeOf({ fieldSelector }: Readonly<Record<string, string>>): string | undefined {
  return /^spec\.nodeName=(.*)$/.exec(fieldSelector ?? '')?.[1];
}

function isOn(pod: PodObject | undefined, node: string | undefined): pod is PodObject {
  return pod !== undefined && (node === undefined || pod.spec.nodeName === node);
}

/** For a watch with a selector a pod is added when it begins to match, and deleted when it does not any more. */
function tell(watch: Watch, { version, before, after }: LogEntry): void {
  const was = isOn(before, watch.node);
  const is = isOn(after, watch.node);
  if (is) {
    emit(watch, was ? 'MODIFIED' : 'ADDED', after);
  } else if (was) {
    const last = after ?? before;
    emit(watch, 'DELETED', { ...last, metadata: { ...last.metadata, resourceVersion: String(version) } });
  }
}

function emit({ response, stalled }: Watch, type: string, object: object): void {
  if (!stalled) {
    write(response, `${JSON.stringify({ type, object: { kind: 'Pod', apiVersion: 'v1', ...object } })}\n`);
  }
}

/** A watch that has been ended is there until its last bytes have left. */
function write(response: ServerResponse, text: string): void {
  if (!response.writableEnded) {
    response.write(text);
  }
}
