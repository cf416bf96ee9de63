/** Whatever should end `npm start` before the demo itself does. */
const PARENT_CHECK_MS = 500;

/** Resolves when it is time to go. From the call on no signal ends the process by itself, so that it can tidy up. */
export function untilToldToStop(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => resolve());
    }
    const parent = process.ppid;
    // When npm is killed this process gets another parent, and nobody is left to stop it.
    setInterval(() => process.ppid !== parent && resolve(), PARENT_CHECK_MS).unref();
  });
}
