/** One GET at a time from the API server, over a connection of its own, as a stream of bytes. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { readCredentials, type CredentialFiles } from './credentials';
import { ApiFailure, explainNetwork, isExpired, quote, readStatus, type ApiStatus } from './failure';

export interface ConnectionOptions extends CredentialFiles {
  /** `https://host:port`. */
  url: string;
}

export interface Get {
  /** What the permission for it is called: an answer of 403 names it. */
  verb: 'list' | 'watch';
  path: string;
  query: Readonly<Record<string, string | number | undefined>>;
  /** To the head of the answer. */
  answerMs: number;
  /** Between any two pieces of its body. */
  silenceMs: number;
  /** All in all. */
  totalMs: number;
  /** Called with the head of a good answer. */
  onAnswer?: () => void;
}

/** The body of an error is read up to here. */
const MAX_STATUS_BYTES = 64 * 1024;
/** A peer that is gone without a word is noticed ten seconds after this much silence. */
const KEEP_ALIVE_MS = 30_000;

export class Connection {
  readonly #options: ConnectionOptions;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /**
   * The body of the answer, if that is 200. Whoever stops reading closes the connection.
   *
   * @throws ApiFailure
   */
  async *get(request: Get, signal: AbortSignal): AsyncGenerator<Buffer, void> {
    const { url } = this.#options;
    const { token, ca } = readCredentials(this.#options);
    const client = httpsRequest(addressOf(url, request), {
      // A pool would keep sockets that the server has long forgotten; requests are minutes apart.
      agent: false,
      ca,
      headers: { accept: 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    });
    const closed = new Promise<void>((resolve) => client.once('close', resolve));
    // Once there is an answer, whoever reads it is only told that it was aborted.
    let lateness: ApiFailure | undefined;
    const fail = (sentence: string) => {
      lateness = new ApiFailure(sentence);
      client.destroy(lateness);
    };
    const silence = (what: string, ms: number) => setTimeout(() => fail(`${url} ${what} for ${ms / 1000} s.`), ms);
    let silent = silence('has not answered', request.answerMs);
    const total = setTimeout(
      () => fail(`The answer of ${url} was not complete after ${request.totalMs / 1000} s.`),
      request.totalMs
    );
    const stop = () => client.destroy();
    signal.addEventListener('abort', stop);
    try {
      client.on('error', () => {}).on('socket', (socket) => socket.setKeepAlive(true, KEEP_ALIVE_MS));
      if (signal.aborted) {
        client.destroy();
      } else {
        client.end();
      }
      const [answer] = (await Promise.race([once(client, 'response'), ended(closed)])) as [IncomingMessage];
      clearTimeout(silent);
      silent = silence('has not sent anything', request.silenceMs);
      if (answer.statusCode !== 200) {
        throw await this.#refusal(answer, request, token);
      }
      request.onAnswer?.();
      for await (const piece of answer) {
        silent.refresh();
        yield piece as Buffer;
      }
    } catch (error) {
      const failure = lateness ?? error;
      throw failure instanceof ApiFailure
        ? failure
        : new ApiFailure(explainNetwork(failure, url, this.#options.caFile));
    } finally {
      signal.removeEventListener('abort', stop);
      clearTimeout(silent);
      clearTimeout(total);
      client.destroy();
      await closed;
    }
  }

  async #refusal(answer: IncomingMessage, { verb }: Get, token: string | undefined): Promise<ApiFailure> {
    const { url, tokenFile } = this.#options;
    const code = answer.statusCode ?? 0;
    const status = await bodyOf(answer);
    const says = status.message ? `: ${quote(status.message)}` : '';
    const details = { code, expired: isExpired({ ...status, code }), retryAfterMs: retryAfterMs(answer, status) };
    switch (code) {
      case 401:
        return new ApiFailure(
          token === undefined
            ? `${url} asks for a token (401); give a service account's with --kubernetes-token-file.`
            : `${url} does not accept the token in ${tokenFile} (401${says}); it is read again before each attempt.`,
          { ...details, refusedToken: token }
        );
      case 403:
        return new ApiFailure(
          `The agent may not ${verb} pods (403${says}); ` +
            'bind its service account to a ClusterRole with the verbs list and watch on pods.',
          details
        );
      case 429:
      case 503:
        return new ApiFailure(`${url} is overloaded or starting (${code}${says}).`, details);
      default:
        return new ApiFailure(
          code >= 300 && code < 400
            ? `${url} answers with a redirect (${code}): it is not an API server.`
            : `${url} answers with ${code}${says}.`,
          details
        );
    }
  }
}

/** Destroyed before there was an answer, without an error of its own: it was asked to stop. */
async function ended(closed: Promise<void>): Promise<never> {
  await closed;
  throw new ApiFailure('The agent is stopping.');
}

function addressOf(url: string, { path, query }: Get): URL {
  const address = new URL(url);
  address.pathname = address.pathname.replace(/\/$/, '') + path;
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) {
      address.searchParams.set(name, String(value));
    }
  }
  return address;
}

/** Errors have a body that says more, mostly. */
async function bodyOf(answer: IncomingMessage): Promise<ApiStatus> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of answer) {
    pieces.push(piece as Buffer);
    bytes += (piece as Buffer).length;
    if (bytes > MAX_STATUS_BYTES) {
      break;
    }
  }
  try {
    return readStatus(JSON.parse(Buffer.concat(pieces).toString('utf8')));
  } catch {
    return {};
  }
}

/** Seconds or a date (RFC 9110, 10.2.3); Kubernetes sends seconds. */
function retryAfterMs(answer: IncomingMessage, { retryAfterSeconds }: ApiStatus): number | undefined {
  const header = answer.headers['retry-after'];
  if (header === undefined) {
    return retryAfterSeconds && retryAfterSeconds * 1000;
  }
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) && ms > 0 ? ms : undefined;
}
