import { call, FRESH } from './call';
import { chance } from './random';
import type { Route } from './service';

/** Where the fraud check would listen. Nothing does, on this port or elsewhere: its connections are refused. */
const FRAUD_CHECK = 'http://127.0.0.1:1/check';

/** Slow, and the part that fails: a bank is behind it. */
export function payments(): Route[] {
  return [
    {
      method: 'POST',
      path: /^\/charges$/,
      medianMs: 35,
      sigma: 0.6,
      faults: { error: 0.03, reset: 0.01 },
      answer: async () => {
        if (chance(0.1)) {
          // Asked for large sums only; that nobody answers does not stop the charge.
          await call(FRAUD_CHECK, { agent: FRESH }).catch(() => {});
        }
        return chance(0.08) ? { status: 402 } : { status: 201, bytes: 256 };
      },
    },
    {
      method: 'DELETE',
      path: /^\/charges\/\d+$/,
      medianMs: 12,
      sigma: 0.4,
      answer: () => ({ status: 204, bytes: 0 }),
    },
  ];
}
