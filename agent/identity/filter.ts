/** Who is measured: namespaces and labels that were asked for or ruled out, and pods that asked to be left alone. */
import type { Place } from './place';
import { parseSelector, type Selector } from './selector';
import type { Identity } from './source';

export interface FilterOptions {
  /** Only these; empty: all of them. Off Kubernetes a namespace is a Docker Compose project. */
  includeNamespaces: readonly string[];
  excludeNamespaces: readonly string[];
  /** Label selectors of Kubernetes (selector.ts). */
  includePods?: string;
  excludePods?: string;
}

const NO_LABELS: ReadonlyMap<string, string> = new Map();

export class Filter {
  readonly #includeNamespaces: ReadonlySet<string>;
  readonly #excludeNamespaces: ReadonlySet<string>;
  readonly #includePods: Selector | undefined;
  readonly #excludePods: Selector | undefined;

  /** @throws SelectorError */
  constructor({ includeNamespaces, excludeNamespaces, includePods, excludePods }: FilterOptions) {
    this.#includeNamespaces = new Set(includeNamespaces);
    this.#excludeNamespaces = new Set(excludeNamespaces);
    this.#includePods = includePods === undefined ? undefined : parseSelector(includePods);
    this.#excludePods = excludePods === undefined ? undefined : parseSelector(excludePods);
  }

  /**
   * Whether an owner is measured, as far as is known. Excluding beats including.
   *
   * A pod nobody has told us about yet is measured: had it to wait, its first requests were lost; once it turns out to
   * be excluded it is hidden. What is no pod has nothing that could be asked for, and is not measured when something is;
   * but a Docker container of an included project is.
   */
  admits(place: Place, identity: Identity | undefined): boolean {
    if (identity?.observe === false) {
      return false;
    }
    if (place.podUid !== undefined && identity === undefined) {
      return true;
    }
    return this.#admitsNamespace(identity?.namespace) && this.#admitsLabels(place, identity);
  }

  #admitsNamespace(namespace: string | undefined): boolean {
    if (namespace === undefined) {
      return this.#includeNamespaces.size === 0;
    }
    const included = this.#includeNamespaces.size === 0 || this.#includeNamespaces.has(namespace);
    return included && !this.#excludeNamespaces.has(namespace);
  }

  #admitsLabels(place: Place, identity: Identity | undefined): boolean {
    if (place.podUid === undefined) {
      return this.#includePods === undefined;
    }
    const labels = identity?.podLabels ?? NO_LABELS;
    return (this.#includePods?.matches(labels) ?? true) && !this.#excludePods?.matches(labels);
  }
}
