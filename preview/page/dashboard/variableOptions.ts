/** The options of a variable: what a query variable's data source answers, or what the JSON lists. */
import {
  CoreApp,
  type DataFrame,
  type DataQuery,
  type DataSourceApi,
  FieldType,
  type MetricFindValue,
  type TimeRange,
  VariableSupportType,
  stringToJsRegex,
} from '@grafana/data';
import { uniqBy } from 'lodash';
import { lastValueFrom } from 'rxjs';
import { runQueries } from '../data/runQueries';
import { dataSources } from '../runtime/dataSourceSrv';
import { ALL } from '../runtime/templateSrv';
import type { VariableModel } from './model';

export interface Option {
  text: string;
  value: string;
}

export async function optionsOf(variable: VariableModel, timeRange: TimeRange): Promise<Option[]> {
  const all = variable.includeAll ? [{ text: 'All', value: ALL }] : [];
  switch (variable.type) {
    case 'datasource':
      return dataSources.getList({ type: String(variable.query) }).map(({ name, uid }) => ({ text: name, value: uid }));
    case 'custom':
    case 'interval':
      return [...all, ...listed(String(variable.query ?? ''))];
    case 'query':
      return [...all, ...(await queried(variable, timeRange))];
    default:
      return variable.options ?? [];
  }
}

/** `a,b` or `text : value,…` */
function listed(text: string): Option[] {
  const parts = text.match(/(?:\\,|[^,])+/g) ?? [];
  return parts.map((part) => {
    const [, name, value] = /^\s*(.+?)\s+:\s+(.+)$/.exec(part) ?? [];
    const plain = part.trim().replaceAll('\\,', ',');
    return name ? { text: name, value: value.trim() } : { text: plain, value: plain };
  });
}

async function queried(variable: VariableModel, timeRange: TimeRange): Promise<Option[]> {
  const found = await findValues(variable.query, variable.name, timeRange);
  const pattern = variable.regex ? stringToJsRegex(variable.regex) : undefined;
  const kept = found.flatMap(({ text, value = text }) => {
    const match = (pattern ?? /.*/s).exec(String(value));
    if (!match) {
      return [];
    }
    const wanted = match.groups?.value ?? match[1] ?? match[0];
    return [{ text: match.groups?.text ?? (pattern ? wanted : String(text)), value: wanted }];
  });
  return sorted(
    uniqBy(kept, ({ value }) => value),
    variable.sort ?? 0
  );
}

/** Asks the data source in whichever of Grafana's ways it supports. */
export async function findValues(query: unknown, name: string, timeRange: TimeRange): Promise<MetricFindValue[]> {
  const dataSource: DataSourceApi = dataSources.current;
  const support = dataSource.variables;
  if (!support) {
    return (await dataSource.metricFindQuery?.(query, { range: timeRange, variable: { name } })) ?? [];
  }
  const asked: DataQuery = {
    refId: `${name}-variable-query`,
    ...(typeof query === 'string' ? { query } : (query as object)),
    ...(support.getType() === VariableSupportType.Standard && 'toDataQuery' in support
      ? (support.toDataQuery as (query: unknown) => DataQuery)(query)
      : {}),
  };
  const ask =
    support.getType() === VariableSupportType.Custom && 'query' in support
      ? { query: support.query as DataSourceApi['query'] }
      : dataSource;
  // Bound, and without filterQuery: a variable's query is not a panel's.
  const asking = { query: ask.query.bind(support.getType() === VariableSupportType.Custom ? support : dataSource) };
  const answer = await lastValueFrom(
    runQueries(asking as DataSourceApi, [asked], { app: CoreApp.Dashboard, timeRange, maxDataPoints: 1000 })
  );
  if (answer.error) {
    throw new Error(answer.error.message);
  }
  return answer.series.flatMap(valuesOf);
}

/** Columns named text and value, else the first column of strings. */
function valuesOf(frame: DataFrame): MetricFindValue[] {
  const named = (name: string) => frame.fields.find((field) => field.name === name);
  const text =
    named('text') ?? named('value') ?? frame.fields.find(({ type }) => type === FieldType.string) ?? frame.fields[0];
  const value = named('value') ?? text;
  return text ? text.values.map((one, i) => ({ text: String(one), value: value!.values[i] })) : [];
}

/** Grafana's numbers: 1, 2 by name, 3, 4 by number, 5, 6 by name whatever the case; even ones downwards. */
function sorted(options: Option[], sort: number): Option[] {
  const by = new Intl.Collator(undefined, {
    numeric: sort === 3 || sort === 4 || sort >= 7,
    sensitivity: sort === 5 || sort === 6 ? 'base' : 'variant',
  });
  if (sort === 0) {
    return options;
  }
  const upwards = [...options].sort((a, b) => by.compare(a.text, b.text));
  return sort % 2 === 0 ? upwards.reverse() : upwards;
}
