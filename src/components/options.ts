import type { SelectableValue } from '@grafana/data';

/** Options of a list, with what is chosen among them even where the list does not know it: typed text, a variable. */
export function optionsOf<T extends string | number>(
  known: readonly T[],
  chosen: readonly T[] = []
): Array<SelectableValue<T>> {
  return [...new Set([...known, ...chosen])].map((value) => ({ label: String(value), value }));
}
