/**
 * What a raw TCP peer does on one connection, step by step. A test writes the bytes of the conversation itself, so that
 * every split, pause and early end is exactly the one it means.
 *
 * Bytes are strings of characters 0 to 255 (latin1), which survive JSON.
 */
export type Step =
  /** One write: one segment, as long as it is shorter than the path's segment size. */
  | { send: string }
  /** The same write, many times. */
  | { send: string; times: number; pauseMs?: number }
  /** `size` filler bytes in as large writes as the socket takes. */
  | { fill: number }
  /** Every character in a segment of its own. */
  | { dribble: string; pauseMs?: number }
  | { pauseMs: number }
  /** Waits until the test opens it: `peer.open(name)`. */
  | { gate: string }
  /** Waits until this text has arrived, behind everything that an earlier `receive` has taken. */
  | { receive: string; times?: number }
  /** Waits until this many more bytes have arrived. */
  | { receiveBytes: number }
  /** Waits for the other side's FIN (or reset). */
  | { receiveEnd: true }
  /** FIN: half of the connection stays open for what is still to come. */
  | { end: true }
  /** RST, at once. */
  | { reset: true }
  /** Reads nothing any more, so that the window closes. */
  | { stopReading: true };

/** What one connection lived through, as the peer saw it. */
export interface Conversation {
  /** What the other side sent, as latin1; only the first megabyte is kept. */
  received: string;
  receivedBytes: number;
  sentBytes: number;
  /** How the other side left: FIN, an error such as `ECONNRESET`, or not at all. */
  ended: 'fin' | 'open' | (string & {});
  /** A step that could not be done, in words; the script stopped there. */
  failure?: string;
  /** Of each `send` step: its time on this process's monotonic clock, just before the write. */
  sentNanoseconds: number[];
  /** Of each `receive` step: the time when what it waited for had arrived. */
  receivedNanoseconds: number[];
}

/** What a test tells the peer's process, and what it answers. */
export type Order =
  | { id: number; do: 'listen'; host: string; port?: number; scripts: Step[][] }
  | { id: number; do: 'connect'; host: string; port: number; script: Step[]; stepTimeoutMs?: number }
  | { id: number; do: 'conversations'; port: number; count: number }
  | { id: number; do: 'arrival' | 'open'; gate: string }
  | { id: number; do: 'requests'; plan: LoadPlan };

export type Reply = { id: number; result: unknown } | { id: number; error: string };

/** A number of HTTP requests by Node's own client. */
export interface LoadPlan {
  host: string;
  port: number;
  requests: LoadRequest[];
  /** Requests at the same time. */
  concurrency: number;
  /** Whether connections are used again. */
  keepAlive: boolean;
}

export interface LoadRequest {
  method: string;
  path: string;
  headers?: Record<string, string>;
  /** Bytes of body, sent with a content length; chunked when `chunked`. */
  bodyBytes?: number;
  chunked?: boolean;
}

/** One answer, as the client saw it. */
export interface LoadAnswer {
  method: string;
  /** 0: none came. */
  status: number;
  nanoseconds: number;
}
