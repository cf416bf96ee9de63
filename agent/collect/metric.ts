import { METRICS, type Metric } from '../../wire/metrics';

/** The catalogue's entry of this name. A name it does not have is a mistake of ours, and ends the start. */
export function metric(name: string): Metric {
  const found = METRICS.find((candidate) => candidate.name === name);
  if (!found) {
    throw new Error(`The catalogue has no ${name}.`);
  }
  return found;
}
