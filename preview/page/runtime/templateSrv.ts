/** `getTemplateSrv()`: replaces `$name`, `${name}`, `${name:format}` and `[[name]]` with what is selected. */
import type { ScopedVars, TimeRange, TypedVariableModel } from '@grafana/data';
import type { TemplateSrv, VariableInterpolation } from '@grafana/runtime';
import { get } from 'lodash';
import { FORMATS } from './variableFormats';

/** A variable with what is selected of it; `current.value` is an array where many may be selected. */
export type Variable = TypedVariableModel & {
  current: { text: string | string[]; value: string | string[] };
  options?: Array<{ text: string; value: string }>;
  includeAll?: boolean;
  allValue?: string | null;
};

/** What Grafana calls the option that stands for every other. */
export const ALL = '$__all';

const REFERENCE = /\$(\w+)|\[\[(\w+?)(?::(\w+))?\]\]|\$\{(\w+)(?:\.([^:^}]+))?(?::([^}]+))?\}/g;

class PreviewTemplateSrv implements TemplateSrv {
  private variables: Variable[] = [];
  private timeRange?: TimeRange;

  /** The variables of the dashboard that is open. */
  setVariables(variables: Variable[]): void {
    this.variables = variables;
  }

  getVariables(): TypedVariableModel[] {
    return this.variables;
  }

  containsTemplate(target?: string): boolean {
    return [...(target ?? '').matchAll(REFERENCE)].some((match) => {
      const name = match[1] ?? match[2] ?? match[4];
      return name.startsWith('__') || this.variables.some((variable) => variable.name === name);
    });
  }

  updateTimeRange(timeRange: TimeRange): void {
    this.timeRange = timeRange;
  }

  replace(
    target?: string,
    scopedVars?: ScopedVars,
    format?: string | Function,
    interpolations?: VariableInterpolation[]
  ): string {
    return (target ?? '').replace(
      REFERENCE,
      (match, plain, bracketed, bracketFormat, braced, fieldPath, braceFormat) => {
        const variableName: string = plain ?? bracketed ?? braced;
        const asked = bracketFormat ?? braceFormat ?? format;
        const value = this.valueOf(variableName, scopedVars, fieldPath, asked === 'text');
        const written = value === undefined ? match : this.write(value, variableName, asked);
        interpolations?.push({
          match,
          variableName,
          fieldPath,
          format: asked,
          value: written,
          found: value !== undefined,
        });
        return written;
      }
    );
  }

  private valueOf(name: string, scopedVars?: ScopedVars, fieldPath?: string, asText = false): unknown {
    const scoped = scopedVars?.[name];
    if (scoped) {
      const value = asText && scoped.text ? scoped.text : scoped.value;
      return fieldPath ? get(value, fieldPath) : value;
    }
    if (this.timeRange && (name === '__from' || name === '__to')) {
      return String(this.timeRange[name === '__from' ? 'from' : 'to'].valueOf());
    }
    const variable = this.variables.find((one) => one.name === name);
    if (!variable?.current) {
      return undefined;
    }
    return asText ? variable.current.text : selected(variable);
  }

  private write(value: unknown, name: string, format?: string | Function): string {
    const variable = this.variables.find((one) => one.name === name) ?? { name };
    if (value instanceof CustomAll) {
      return value.text;
    }
    if (typeof format === 'function') {
      return format(value, variable, FORMATS.glob);
    }
    const values = (Array.isArray(value) ? value : [value]).map(String);
    return (FORMATS[format ?? 'glob'] ?? FORMATS.glob)(values, name);
  }
}

/** What a dashboard's author wrote to stand for All. Grafana puts it in as it is, whatever the format. */
class CustomAll {
  constructor(readonly text: string) {}
}

/** "All" stands for the custom all value, else for every option there is. */
function selected({ current, allValue, options }: Variable): string | string[] | CustomAll {
  const values = [current.value].flat();
  if (!values.includes(ALL)) {
    return current.value;
  }
  return allValue
    ? new CustomAll(allValue)
    : (options ?? []).map((option) => option.value).filter((value) => value !== ALL);
}

export const templateSrv = new PreviewTemplateSrv();
