/** The customers. */
import { call, FRESH, KEPT, type CallOptions } from './call';
import { chance, oneOf } from './random';

/** About 60 requests to the frontend in a second make about 130 within the shop. */
const REQUESTS_PER_SECOND = 60;
const TICK_MS = 50;
/** More than this many under way, and further customers go elsewhere: a stalled shop must not fill the memory. */
const UNDER_WAY_LIMIT = 200;

const ITEM_IDS = Array.from({ length: 420 }, (_, i) => i + 1);

/** Goes on for ever. Customers come at a rate of their own, whether the shop keeps up or not. */
export function visit(frontendUrl: string, requestsPerSecond = REQUESTS_PER_SECOND): void {
  let underWay = 0;
  let due = 0;
  setInterval(() => {
    for (due += (requestsPerSecond * TICK_MS) / 1000; due >= 1; due--) {
      if (underWay < UNDER_WAY_LIMIT) {
        underWay++;
        // An answer that does not come is part of what is shown, and the next customer tries again.
        request(frontendUrl)
          .catch(() => {})
          .finally(() => underWay--);
      }
    }
  }, TICK_MS);
}

function request(frontendUrl: string): Promise<number> {
  const options: CallOptions = {
    // Browsers keep their connections, scripts do not.
    agent: chance(0.2) ? FRESH : KEPT,
    // Some customers do not wait.
    timeoutMs: chance(0.005) ? 5 : 3_000,
  };
  const dice = Math.random();
  if (dice < 0.25) {
    return call(`${frontendUrl}/`, options);
  }
  if (dice < 0.7) {
    return call(`${frontendUrl}/items/${oneOf(ITEM_IDS)}`, options);
  }
  if (dice < 0.82) {
    return call(`${frontendUrl}/search?q=lamp`, options);
  }
  if (dice < 0.97) {
    return call(`${frontendUrl}/checkout/${oneOf(ITEM_IDS)}`, { ...options, method: 'POST', bytes: 300 });
  }
  return call(`${frontendUrl}/old-address`, options);
}
