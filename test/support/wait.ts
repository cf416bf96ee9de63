/** Waiting with a bound: no test hangs, and the failure says what did not come. */

/** How many times longer things may take where they run: on a processor that is emulated, for one. */
export const PATIENCE = Number(process.env.RINGSIDE_TEST_PATIENCE ?? 1);

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/**
 * Asks again every few milliseconds until the answer is one.
 *
 * @param what goes into the message when it does not come: "Waited 5000 ms for …"
 * @param ask returns `undefined` or `false` as long as there is nothing yet
 */
export async function until<T>(
  what: string | (() => string),
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  { timeoutMs = 5_000, everyMs = 5 } = {}
): Promise<T> {
  const deadlineMs = timeoutMs * PATIENCE;
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) {
      return answer;
    }
    if (performance.now() > deadline) {
      throw new Error(`Waited ${deadlineMs} ms for ${typeof what === 'string' ? what : what()}`);
    }
    await sleep(everyMs);
  }
}
