import { call } from './call';
import type { Answer, Route } from './service';

/** What the load generator talks to; it answers from the other two. */
export function frontend(catalogUrl: string, paymentsUrl: string): Route[] {
  return [
    {
      method: 'GET',
      path: /^\/$/,
      medianMs: 2,
      sigma: 0.4,
      answer: async () => page(await call(`${catalogUrl}/items`), 24_000),
    },
    {
      method: 'GET',
      path: /^\/items\/(\d+)$/,
      medianMs: 1.5,
      sigma: 0.4,
      answer: async ([, id]) => page(await call(`${catalogUrl}/items/${id}`), 6_000),
    },
    {
      method: 'GET',
      path: /^\/search$/,
      medianMs: 18,
      sigma: 0.8,
      faults: { error: 0.01 },
      answer: async () => page(await call(`${catalogUrl}/items`), 9_000),
    },
    {
      method: 'POST',
      path: /^\/checkout\/(\d+)$/,
      medianMs: 5,
      sigma: 0.5,
      answer: async ([, id]) => checkout(catalogUrl, paymentsUrl, id),
    },
  ];
}

/** Reserves the item, charges for it, and gives the reservation back when that does not work. */
async function checkout(catalogUrl: string, paymentsUrl: string, id: string): Promise<Answer> {
  const stock = `${catalogUrl}/items/${id}/stock`;
  if ((await call(stock, { method: 'PUT', bytes: 120 })) === 409) {
    return { status: 409 };
  }
  const charge = await call(`${paymentsUrl}/charges`, { method: 'POST', bytes: 400 }).catch(() => 503);
  if (charge === 201) {
    return { status: 201, bytes: 900 };
  }
  await call(stock, { method: 'PUT', bytes: 120 });
  return { status: charge === 402 ? 402 : 503 };
}

function page(status: number, bytes: number): Answer {
  return status < 400 ? { status: 200, bytes } : { status: status < 500 ? status : 502 };
}
