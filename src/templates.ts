import type { ScopedVars } from '@grafana/data';
import { getTemplateSrv } from '@grafana/runtime';

/** What Grafana tells a formatter about the variable it formats. */
export interface VariableModel {
  name?: string;
  type?: string;
}

export type Formatter = (value: unknown, variable?: VariableModel) => string;

/** Grafana's template variables, as one request sees them. */
export interface Templates {
  replace(text: string, format?: Formatter): string;
  /** Whether the text is one variable that stands at "All", and "All" was given no value of its own. */
  isAll(text: string): boolean;
}

const ONE_VARIABLE = /^(?:\$(\w+)|\$\{(\w+)\}|\[\[(\w+)\]\])$/;
const ALL = '$__all';

/** @param scopedVars those of the request: the repeated panel's value wins over the dashboard's */
export function templatesOf(scopedVars: ScopedVars = {}): Templates {
  return {
    replace: (text, format) => getTemplateSrv().replace(text, scopedVars, format),
    isAll: (text) => {
      const [, ...names] = ONE_VARIABLE.exec(text) ?? [];
      const name = names.find((group) => group !== undefined);
      if (name === undefined || scopedVars[name]) {
        return false;
      }
      const variable = getTemplateSrv()
        .getVariables()
        .find((candidate) => candidate.name === name);
      if (!variable || !('current' in variable)) {
        return false;
      }
      const custom = 'allValue' in variable && variable.allValue;
      const current = variable.current && 'value' in variable.current ? variable.current.value : undefined;
      return !custom && [current].flat().includes(ALL);
    },
  };
}

/** The dashboard's variables as they are written in a field, for suggestions. */
export function variableNames(): string[] {
  return getTemplateSrv()
    .getVariables()
    .map(({ name }) => `$${name}`);
}
