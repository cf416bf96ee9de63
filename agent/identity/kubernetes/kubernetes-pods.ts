/** Names from Kubernetes: the API server is asked for the pods of this node, and for nothing else. */
import type { Place } from '../place';
import type { Identity, IdentitySource, SourceState, SourceStatus } from '../source';
import { Connection } from './connection';
import { ListWatch, TIMING, type PodListener, type Timing } from './list-watch';
import { Pods } from './pods';

export interface KubernetesPodsOptions {
  /** The API server, `https://host:port`. */
  url: string;
  /** The bearer token, and the authority that signed the server's certificate. Both may be replaced at any time. */
  tokenFile?: string;
  caFile?: string;
  /** This node, as Kubernetes calls it. */
  node: string;
  /** Told when it begins to fail, each time the reason is another one, and when it works again. */
  onLog?: (sentence: string) => void;
  timing?: Partial<Timing>;
  pageSize?: number;
}

/** What client-go asks for too. */
const PAGE_SIZE = 500;

export class KubernetesPods implements IdentitySource {
  readonly name = 'kubernetes';
  readonly #options: KubernetesPodsOptions;
  readonly #pods: Pods;
  readonly #listeners: Array<() => void> = [];
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  #state: SourceState = 'connecting';
  #reason: string;

  constructor(options: KubernetesPodsOptions) {
    this.#options = options;
    this.#pods = new Pods(options);
    this.#reason = `${options.url} has not answered yet.`;
  }

  identify(place: Place): Identity | undefined {
    return this.#pods.identify(place);
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  get status(): SourceStatus {
    return { state: this.#state, reason: this.#reason, known: this.#pods.size };
  }

  start(): void {
    const { url, node, tokenFile, caFile, timing, pageSize = PAGE_SIZE } = this.#options;
    const connection = new Connection({ url, tokenFile, caFile });
    const options = { connection, url, node, pageSize, timing: { ...TIMING, ...timing } };
    this.#running ??= new ListWatch(options, this.#listener()).run(this.#stopping.signal);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  #listener(): PodListener {
    return {
      set: (object) => this.#pods.set(object) && this.#changed(),
      delete: (object) => this.#pods.delete(object) && this.#changed(),
      retain: (uids) => this.#pods.retain(uids),
      ready: () => this.#become('ready', ''),
      failing: (sentence) => this.#become('failing', sentence),
      skipped: (sentence) => this.#options.onLog?.(sentence),
    };
  }

  #changed(): void {
    this.#listeners.forEach((listener) => listener());
  }

  #become(state: SourceState, reason: string): void {
    if (this.#state === state && this.#reason === reason) {
      return;
    }
    this.#state = state;
    this.#reason = reason;
    this.#options.onLog?.(
      state === 'ready' ? `${this.#options.url} tells the names of ${this.#pods.size} pods.` : reason
    );
  }
}
