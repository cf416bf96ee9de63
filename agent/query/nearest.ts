/** The name that was probably meant. */
import { distance } from 'fastest-levenshtein';

export function nearest(received: string, names: readonly string[]): string | undefined {
  const lower = received.toLowerCase();
  let best: string | undefined;
  // Beyond a third of the name it is a guess, not a typo.
  let bestDistance = Math.max(2, Math.ceil(received.length / 3)) + 1;
  for (const name of names) {
    const between = distance(lower, name);
    if (between < bestDistance) {
      best = name;
      bestDistance = between;
    }
  }
  // Half a name is a common way to ask: "duration" for "http_server_request_duration_seconds".
  return best ?? (lower.length >= 3 ? names.find((name) => name.includes(lower)) : undefined);
}
