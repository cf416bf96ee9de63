/** One service calling another. */
import { Agent, request } from 'node:http';

/** Connections that are kept and used again. */
export const KEPT = new Agent({ keepAlive: true, maxSockets: 16 });
/** A connection for each request. */
export const FRESH = new Agent({ keepAlive: false });

export interface CallOptions {
  method?: string;
  bytes?: number;
  agent?: Agent;
  timeoutMs?: number;
}

/**
 * The status of the answer, once all of it is here.
 *
 * @throws when there is none: refused, reset, closed, or later than `timeoutMs`
 */
export function call(
  url: string,
  { method = 'GET', bytes = 0, agent = KEPT, timeoutMs = 2_000 }: CallOptions = {}
): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = bytes > 0 ? { 'content-length': bytes } : {};
    const outgoing = request(url, { method, agent, headers, signal: AbortSignal.timeout(timeoutMs) }, (incoming) => {
      incoming.resume();
      incoming.on('error', reject).on('end', () => resolve(incoming.statusCode ?? 0));
    });
    outgoing.on('error', reject);
    outgoing.end(Buffer.alloc(bytes, '.'));
  });
}
