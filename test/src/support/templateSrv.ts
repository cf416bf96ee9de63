import type { ScopedVars, TypedVariableModel } from '@grafana/data';
import { setTemplateSrv, type TemplateSrv } from '@grafana/runtime';

/** A dashboard's variable, in the words of a test. */
export interface Variable {
  value: string | string[];
  /** What "All" stands for when `value` is it. */
  options?: string[];
  /** What the dashboard's author set "All" to. */
  allValue?: string;
  type?: string;
}

const ALL = '$__all';

/** `$name`, `${name}`, `${name:format}` and `[[name]]`. */
const REFERENCE = /\$(\w+)|\$\{(\w+)(?::(\w+))?\}|\[\[(\w+)\]\]/g;

/**
 * Replaces variables by Grafana's documented rules: a scoped value wins over the dashboard's, "All" is every option or
 * what its author said (as it is, unformatted), a format in the reference wins over the caller's, and an unknown
 * variable stays as it was written.
 */
export function setVariables(variables: Record<string, Variable>): void {
  const replace = (text = '', scopedVars: ScopedVars = {}, format?: unknown): string =>
    text.replace(REFERENCE, (reference, plain, braced, own, bracketed) => {
      const name: string = plain ?? braced ?? bracketed;
      const variable = variables[name];
      const scoped = scopedVars[name];
      if (!scoped && !variable) {
        return reference;
      }
      let value: string | string[] = scoped ? scoped.value : variable.value;
      if ([value].flat().includes(ALL)) {
        if (variable.allValue !== undefined) {
          return variable.allValue;
        }
        value = variable.options ?? [];
      }
      if (typeof format === 'function' && own === undefined) {
        return format(value, { name, type: variable?.type ?? 'query' });
      }
      return own === 'raw' || !Array.isArray(value) || value.length === 1
        ? [value].flat().join(',')
        : `{${value.join(',')}}`;
    });

  setTemplateSrv({
    replace,
    containsTemplate: (text = '') => text.search(REFERENCE) >= 0,
    getVariables: () =>
      Object.entries(variables).map(
        ([name, { value, allValue, type = 'query' }]) =>
          ({ name, type, allValue, current: { value, text: value } }) as unknown as TypedVariableModel
      ),
    updateTimeRange: () => {},
  } satisfies TemplateSrv);
}
