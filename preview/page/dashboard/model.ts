/** The part of Grafana's dashboard JSON that is drawn here. */
import type { RawTimeRange } from '@grafana/data';
import type { PanelModel } from '../panels/Panel';
import type { Variable } from '../runtime/templateSrv';

/** In cells of the 24 columns wide grid. */
export interface GridPosition {
  x: number;
  y: number;
  w: number;
  h: number;
}

export interface DashboardPanel extends PanelModel {
  id: number;
  gridPos: GridPosition;
  /** Of a row that is folded: the panels within. */
  panels?: DashboardPanel[];
  collapsed?: boolean;
}

export interface DashboardModel {
  uid?: string;
  title: string;
  time?: RawTimeRange;
  refresh?: string;
  templating?: { list: VariableModel[] };
  panels: DashboardPanel[];
}

/** A variable as the JSON has it: nothing may be selected yet. */
export type VariableModel = Variable & {
  query?: unknown;
  datasource?: { uid?: string } | string | null;
  regex?: string;
  sort?: number;
  multi?: boolean;
  hide?: number;
  label?: string | null;
};
