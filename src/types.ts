import type { DataSourceJsonData } from '@grafana/data';
import type { DataQuery } from '@grafana/schema';
import type { Select } from '../wire/metrics';
import type { Matcher } from '../wire/query';

/** The shape of the answer, named as Grafana's panels are. */
export const FORMATS = ['time_series', 'heatmap', 'histogram', 'table'] as const;
export type Format = (typeof FORMATS)[number];

/** What a query says, apart from what Grafana says about every query. Any text may hold template variables. */
export interface QueryFields {
  /** A name of the catalogue. */
  metric: string;
  select: Select;
  /** Ranks from 0 to 1, for `select: quantile`. Text is a template variable. */
  quantiles: Array<number | string>;
  /** Labels to keep; series that agree on them are merged. */
  by: string[];
  where: Matcher[];
  /** Keep the N largest series; empty keeps all. */
  top: number | string;
  /** Width of a point, `10s`, `1m`; empty follows the panel. */
  step: string;
  /** `{{label}}` template of the names of series; empty lets Ringside name them. */
  legend: string;
  /** Agrees with `select`: a heatmap is both, so is a histogram. */
  format: Format;
}

/** The query as a dashboard stores it. Dashboards outlive releases and are written by hand: nothing is certain. */
export interface RingsideQuery extends DataQuery, Partial<QueryFields> {}

/** The query with every field in place. */
export interface FilledQuery extends DataQuery, QueryFields {}

/** The query of a template variable: the values of one label. */
export interface VariableQuery extends DataQuery {
  label?: string;
  /** Only values on series of this metric; empty asks all metrics. */
  metric?: string;
  where?: Matcher[];
}

/** Grafana's own names for what its data proxy does on the way to the agent. */
export interface RingsideOptions extends DataSourceJsonData {
  tlsSkipVerify?: boolean;
  tlsAuthWithCACert?: boolean;
  tlsAuth?: boolean;
  serverName?: string;
  /** Seconds. */
  timeout?: number;
}

/** What Grafana keeps encrypted and never sends back to the browser. */
export interface RingsideSecureOptions {
  /** The agent's bearer token; `plugin.json` puts it into the Authorization header. */
  token?: string;
  tlsCACert?: string;
  tlsClientCert?: string;
  tlsClientKey?: string;
}
