/**
 * The walk over the open connections: what they have sent and received so far, and how many there are, by slot.
 *
 * Counting that per packet would cost every packet; the kernel keeps it in each socket anyway. A walk reads all sockets
 * of the table of connections in the kernel, and leaves the sums in a mapped array.
 */
import { maps, TcpLiveOffsets, TcpWalkOffsets } from './generated/tcp';
import type { LoadedObject } from './object';

/** Of the time there is, walks take at most this share, however often somebody asks. */
const MAX_SHARE = 0.1;
const ITERATORS = [['tcp_walk', 'connections'], ['tcp_walk_at_once']] as const;
const LIVE_LONGS = maps.live.valueSize / 8;

export class TcpWalk {
  readonly #object: LoadedObject;
  /** What this kernel has taken: over the elements of a map, or over all at once. */
  readonly #iterator: readonly [program: string, map?: string] | undefined;
  readonly #live: BigUint64Array;
  readonly #orders: Uint32Array;
  #nextAtMs = -Infinity;

  constructor(object: LoadedObject) {
    this.#object = object;
    this.#iterator = ITERATORS.find(([program]) => object.has(program));
    this.#live = new BigUint64Array(object.map('live').memory(true));
    this.#orders = new Uint32Array(object.map('walk').memory(true));
  }

  /** Whether this kernel can. Without, bytes are told when a connection ends, and the number of open ones is not known. */
  get possible(): boolean {
    return this.#iterator !== undefined;
  }

  /** Whether it is time for a walk: one that takes a sample is always made, others only so often. */
  isDue(sampleRtt: boolean): boolean {
    return sampleRtt || performance.now() >= this.#nextAtMs;
  }

  /**
   * Brings the sums up to date.
   *
   * @param sampleRtt also records every connection's round-trip time
   */
  run(sampleRtt: boolean): void {
    if (this.#iterator === undefined) {
      return;
    }
    const startedMs = performance.now();
    this.#live.fill(0n);
    this.#orders[TcpWalkOffsets.generation / 4]++;
    this.#orders[TcpWalkOffsets.sampleRtt / 4] = Number(sampleRtt);
    this.#object.runIterator(...this.#iterator);
    const endedMs = performance.now();
    this.#nextAtMs = endedMs + (endedMs - startedMs) / MAX_SHARE;
  }

  /** Connections of a slot that are established now. */
  active(slot: number): number {
    return this.sum(slot, TcpLiveOffsets.active);
  }

  /** Whether no connection counts into the slot any more, as far as the last walk has seen. */
  isQuiet(slot: number): boolean {
    return this.possible && this.sum(slot, TcpLiveOffsets.followed) === 0;
  }

  /** Connections of all slots whose handshake is under way. */
  handshakes(): number {
    let handshakes = 0;
    for (let at = TcpLiveOffsets.handshakes / 8; at < this.#live.length; at += LIVE_LONGS) {
      handshakes += Number(this.#live[at]);
    }
    return handshakes;
  }

  /** @param at bytes from the start of a `struct tcp_live` */
  sum(slot: number, at: number): number {
    return Number(this.#live[slot * LIVE_LONGS + at / 8]);
  }
}
