/**
 * The range of a histogram is [2^minExponent, 2^(minExponent + OCTAVES)] seconds (`histogram.ts`).
 * Latencies start at 2^-20 s (about 1 µs) and end at 64 s; lifetimes of connections start at 2^-10 s (about 1 ms) and
 * end at 2^16 s (about 18 h).
 */
export const LATENCY_MIN_EXPONENT = -20;
export const LIFETIME_MIN_EXPONENT = -10;
