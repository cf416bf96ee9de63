/**
 * Follows the pods of one node, for good: a list, then a watch from where the list ended, and again from where the
 * watch ended. The manner is that of client-go's reflector, which API servers are made for.
 *
 * The first list may come from the server's memory (`resourceVersion=0`): it costs the cluster next to nothing, even if
 * a thousand agents start at once. After 410 Gone what the server remembers is what we have missed already, and the
 * list is read from its store, page by page.
 */
import type { Connection } from './connection';
import { Backoff, type BackoffOptions } from '../backoff';
import { ApiFailure, isExpired, quote, readStatus } from './failure';
import { objectIn, textIn, type JsonObject } from './object';
import { GarbageError, Lines, ListItems } from '../pieces';

export interface Timing {
  backoff: BackoffOptions;
  /** An answer must begin within, and a list go on. */
  answerMs: number;
  /** A list must be complete within. */
  listMs: number;
  /** Servers end a watch after so long, at the latest after twice as long: each asks for its own time. */
  watchMs: number;
  /** A watch without a word is opened anew; servers send a bookmark every minute. */
  silenceMs: number;
  /** A watch that held for so long was a good one. */
  goodWatchMs: number;
}

export const TIMING: Timing = {
  backoff: { minMs: 1_000, maxMs: 30_000 },
  answerMs: 30_000,
  listMs: 120_000,
  watchMs: 300_000,
  silenceMs: 180_000,
  goodWatchMs: 10_000,
};

/** Where pods go. */
export interface PodListener {
  set(object: unknown): void;
  delete(object: unknown): void;
  retain(uids: ReadonlySet<string>): void;
  /** The list is complete, and the watch has begun. */
  ready(): void;
  /** @param sentence why nothing is heard for now */
  failing(sentence: string): void;
  /** Something was left out, for good. */
  skipped(sentence: string): void;
}

export interface ListWatchOptions {
  connection: Pick<Connection, 'get'>;
  /** The server, in sentences. */
  url: string;
  node: string;
  timing: Timing;
  /** Pods in a page of the list. */
  pageSize: number;
}

const PATH = '/api/v1/pods';
/** A watch that brings nothing usable this often from one version on does not bring it at the next attempt either. */
const MAX_FRUITLESS = 3;
/** Beyond the time that the server was asked to end the watch in. */
const GRACE_MS = 15_000;

export class ListWatch {
  readonly #options: ListWatchOptions;
  readonly #listener: PodListener;
  readonly #backoff: Backoff;
  /** Where the next watch begins; undefined: with a list. */
  #version: string | undefined;
  /** The list may come from the server's memory. */
  #mayBeOld = true;
  /** Watches in a row that began and brought nothing. */
  #fruitless = 0;
  #refusedToken: string | undefined;

  constructor(options: ListWatchOptions, listener: PodListener) {
    this.#options = options;
    this.#listener = listener;
    this.#backoff = new Backoff(options.timing.backoff);
  }

  /** Until it is stopped. Never throws. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let waitMs: number;
      try {
        this.#version ??= await this.#list(signal);
        await this.#watch(this.#version, signal);
        waitMs = this.#backoff.nextMs();
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        waitMs = this.#failed(error);
      }
      await pause(waitMs, signal);
    }
  }

  /** @returns how long to wait */
  #failed(error: unknown): number {
    const failure = this.#explained(error);
    const { expired, retryAfterMs, refusedToken } = failure.details;
    if (expired) {
      this.#version = undefined;
      this.#mayBeOld = false;
    } else if (this.#fruitless >= MAX_FRUITLESS) {
      this.#version = undefined;
    }
    this.#fruitless = this.#version === undefined ? 0 : this.#fruitless;
    this.#listener.failing(failure.message);
    // Most likely the file holds a newer one by now: it is read at once, but only once.
    if (refusedToken !== undefined && refusedToken !== this.#refusedToken) {
      this.#refusedToken = refusedToken;
      return 0;
    }
    return this.#backoff.nextMs(retryAfterMs);
  }

  #explained(error: unknown): ApiFailure {
    if (error instanceof ApiFailure) {
      return error;
    }
    const { url } = this.#options;
    return error instanceof GarbageError
      ? new ApiFailure(`What ${url} sends is not a list of pods: ${error.message}.`)
      : new ApiFailure(`What ${url} sends cannot be read: ${quote(String((error as Error)?.message ?? error))}.`);
  }

  /** @returns the version of the list */
  async #list(signal: AbortSignal): Promise<string> {
    const { pageSize } = this.#options;
    const uids = new Set<string>();
    let page: JsonObject = {};
    do {
      const more = textIn(page.continue);
      try {
        page = await this.#page(
          { limit: pageSize, continue: more, resourceVersion: this.#mayBeOld && !more ? '0' : undefined },
          uids,
          signal
        );
      } catch (error) {
        if (more === undefined || !(error instanceof ApiFailure && error.details.expired)) {
          throw error;
        }
        // It took too long, page by page: all at once, which cannot expire.
        uids.clear();
        page = await this.#page({}, uids, signal);
      }
    } while (textIn(page.continue) !== undefined);
    const version = textIn(page.resourceVersion);
    if (version === undefined) {
      throw new GarbageError('it has no resourceVersion');
    }
    this.#listener.retain(uids);
    this.#mayBeOld = true;
    return version;
  }

  /** @returns the `metadata` of the page */
  async #page(query: Query, uids: Set<string>, signal: AbortSignal): Promise<JsonObject> {
    const { connection, timing } = this.#options;
    const items = new ListItems({ onSkipped: () => this.#skipped() });
    const request = {
      verb: 'list' as const,
      path: PATH,
      query: { ...this.#selector, ...query },
      answerMs: timing.answerMs,
      silenceMs: timing.answerMs,
      totalMs: timing.listMs,
    };
    for await (const piece of connection.get(request, signal)) {
      for (const item of items.push(piece)) {
        const uid = textIn(objectIn(objectIn(item).metadata).uid);
        if (uid !== undefined) {
          uids.add(uid);
          this.#listener.set(item);
        }
      }
    }
    return objectIn(objectIn(items.end()).metadata);
  }

  async #watch(version: string, signal: AbortSignal): Promise<void> {
    const { connection, timing } = this.#options;
    const watchMs = timing.watchMs * (1 + Math.random());
    const lines = new Lines({ onSkipped: () => this.#skipped() });
    let answeredAtMs = Infinity;
    const request = {
      verb: 'watch' as const,
      path: PATH,
      query: {
        ...this.#selector,
        watch: 'true',
        allowWatchBookmarks: 'true',
        resourceVersion: version,
        timeoutSeconds: Math.ceil(watchMs / 1000),
      },
      answerMs: timing.answerMs,
      silenceMs: timing.silenceMs,
      totalMs: watchMs + GRACE_MS,
      onAnswer: () => {
        answeredAtMs = performance.now();
        this.#fruitless++;
        this.#listener.ready();
      },
    };
    const isGood = () => performance.now() - answeredAtMs >= timing.goodWatchMs;
    try {
      for await (const piece of connection.get(request, signal)) {
        for (const event of lines.push(piece)) {
          this.#event(objectIn(event));
        }
      }
    } catch (error) {
      // Nothing wrong with it but its end: a server was restarted, or a connection forgotten on the way.
      if (!(isGood() && error instanceof ApiFailure && error.details.code === undefined)) {
        throw error;
      }
    } finally {
      if (isGood()) {
        this.#backoff.reset();
        this.#fruitless = 0;
        this.#refusedToken = undefined;
      }
    }
  }

  #event({ type, object }: JsonObject): void {
    if (type === 'ERROR') {
      const status = readStatus(object);
      throw new ApiFailure(`${this.#options.url} ended the watch (${quote(status.message ?? 'without a reason')}).`, {
        code: status.code,
        expired: isExpired(status),
        retryAfterMs: status.retryAfterSeconds && status.retryAfterSeconds * 1000,
      });
    }
    const version = textIn(objectIn(objectIn(object).metadata).resourceVersion);
    if (version === undefined) {
      throw new GarbageError('an event has no resourceVersion');
    }
    if (type === 'ADDED' || type === 'MODIFIED') {
      this.#listener.set(object);
    } else if (type === 'DELETED') {
      this.#listener.delete(object);
    }
    // What else there is, bookmarks among it, only says how far we are.
    this.#version = version;
    this.#fruitless = 0;
  }

  get #selector(): Query {
    return { fieldSelector: `spec.nodeName=${this.#options.node}` };
  }

  #skipped(): void {
    this.#listener.skipped(`${this.#options.url} sent a pod of more than 4 MiB, which is left out.`);
  }
}

type Query = Readonly<Record<string, string | number | undefined>>;

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
