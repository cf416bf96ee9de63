import { chance } from './random';
import type { Route } from './service';

const ITEMS = 400;

/** Fast as long as its cache has the answer. */
export function catalog(): Route[] {
  return [
    {
      method: 'GET',
      path: /^\/items$/,
      medianMs: 4,
      sigma: 0.7,
      faults: { error: 0.004 },
      answer: () => ({ status: 200, bytes: 12_000 }),
    },
    {
      method: 'GET',
      path: /^\/items\/(\d+)$/,
      medianMs: 1.5,
      sigma: 0.9,
      faults: { error: 0.002, hangUp: 0.002 },
      answer: ([, id]) => {
        if (Number(id) > ITEMS) {
          return { status: 404 };
        }
        return chance(0.05) ? { status: 304, bytes: 0 } : { status: 200, bytes: 1_500 };
      },
    },
    {
      method: 'HEAD',
      path: /^\/items\/(\d+)$/,
      medianMs: 1,
      sigma: 0.5,
      answer: ([, id]) => ({ status: Number(id) > ITEMS ? 404 : 200, bytes: 1_500 }),
    },
    {
      method: 'PUT',
      path: /^\/items\/\d+\/stock$/,
      medianMs: 6,
      sigma: 0.5,
      answer: () => (chance(0.06) ? { status: 409 } : { status: 204, bytes: 0 }),
    },
  ];
}
