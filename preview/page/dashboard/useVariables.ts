import { VariableRefresh, type TimeRange } from '@grafana/data';
import { useCallback, useEffect, useRef, useState } from 'react';
import { ALL, templateSrv } from '../runtime/templateSrv';
import type { VariableModel } from './model';
import { type Option, optionsOf } from './variableOptions';

interface Variables {
  variables: VariableModel[];
  select(name: string, values: string[]): void;
  /** Options are known, or asking for them failed. */
  isReady: boolean;
  /** Changes when what is selected does. */
  key: string;
}

/** How often the options are asked for again while the time range moves. */
const REFRESH_MS = 10_000;

/** The variables of a dashboard, each resolved after those before it, which it may use. */
export function useVariables(models: VariableModel[], range: TimeRange): Variables {
  const [variables, setVariables] = useState<VariableModel[]>(models);
  const [isReady, setReady] = useState(false);
  const current = useRef(variables);
  const resolvedAt = useRef(0);

  const publish = useCallback((next: VariableModel[]) => {
    current.current = next;
    templateSrv.setVariables(next);
    setVariables(next);
  }, []);

  const resolve = useCallback(
    async (timeRange: TimeRange) => {
      resolvedAt.current = Date.now();
      for (const { name } of models) {
        const before = current.current.find((one) => one.name === name)!;
        // One that cannot be asked keeps what it has: the panels say what is wrong with the data source.
        const options = await optionsOf(before, timeRange).catch(() => before.options ?? []);
        publish(current.current.map((one) => (one.name === name ? withOptions(one, options) : one)));
      }
      setReady(true);
    },
    [models, publish]
  );

  useEffect(() => {
    const onTimeChange = models.some(
      (model) => 'refresh' in model && model.refresh === VariableRefresh.onTimeRangeChanged
    );
    if (resolvedAt.current === 0 || (onTimeChange && Date.now() - resolvedAt.current > REFRESH_MS)) {
      resolve(range);
    }
  }, [models, range, resolve]);
  useEffect(() => () => templateSrv.setVariables([]), []);

  const select = (name: string, values: string[]) => {
    publish(current.current.map((one) => (one.name === name ? withSelected(one, values) : one)));
    resolve(range);
  };
  const key = JSON.stringify(variables.map(({ name, current: { value } = {}, options }) => [name, value, options]));
  return { variables, select, isReady, key };
}

/** What is selected stays as long as it is there; else the first option, which is All where there is one. */
function withOptions(variable: VariableModel, options: Option[]): VariableModel {
  const before = [variable.current?.value ?? []]
    .flat()
    .filter((value) => options.some((option) => option.value === value));
  const first = options.slice(0, 1).map(({ value }) => value);
  return withSelected({ ...variable, options } as VariableModel, before.length > 0 ? before : first);
}

function withSelected(variable: VariableModel, values: string[]): VariableModel {
  const options = variable.options ?? [];
  const last = values.at(-1);
  // All and single values exclude each other; the later choice holds.
  const kept = last === ALL ? [ALL] : values.filter((value) => value !== ALL);
  const wanted = kept.length > 0 ? kept : options.slice(0, 1).map(({ value }) => value);
  const texts = wanted.map((value) => options.find((option) => option.value === value)?.text ?? value);
  const current = variable.multi ? { text: texts, value: wanted } : { text: texts[0] ?? '', value: wanted[0] ?? '' };
  return { ...variable, current } as VariableModel;
}
