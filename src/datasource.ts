import {
  DataSourceApi,
  type AdHocVariableFilter,
  type DataQueryError,
  type DataQueryRequest,
  type DataQueryResponse,
  type DataSourceGetTagKeysOptions,
  type DataSourceGetTagValuesOptions,
  type DataSourceInstanceSettings,
  type MetricFindValue,
  type ScopedVars,
  type TestDataSourceResponse,
} from '@grafana/data';
import { catchError, firstValueFrom, map, of, throwError, type Observable } from 'rxjs';
import type { Query } from '../wire/query';
import { toMatchers } from './adhoc';
import { Agent, type ValuesRequest } from './agent';
import { allLabels, BUNDLED_CATALOGUE, toCatalogue, type CatalogueMetric } from './catalogue';
import { fillQuery, NEW_QUERY } from './defaults';
import { describeQuery } from './describe';
import { describeFailure, toQueryError } from './failure';
import { describeHealth, failed } from './health';
import { interpolateMatchers, interpolateQuery } from './interpolate';
import { migrateQuery } from './migrate';
import { toWireQuery } from './request';
import { toResponse, withErrors } from './response';
import { templatesOf } from './templates';
import type { FilledQuery, RingsideOptions, RingsideQuery } from './types';
import { LabelValuesVariables } from './variables';

export class RingsideDataSource extends DataSourceApi<RingsideQuery, RingsideOptions> {
  private readonly agent: Agent;

  constructor(settings: DataSourceInstanceSettings<RingsideOptions>) {
    super(settings);
    this.agent = new Agent(settings.url ?? '');
    this.variables = new LabelValuesVariables(this);
  }

  /** All queries of a panel travel in one request. */
  query(request: DataQueryRequest<RingsideQuery>): Observable<DataQueryResponse> {
    const targets = request.targets.filter((target) => this.filterQuery(target));
    const { queries, wire, failed: refused } = this.prepare(targets, request);
    if (wire.length === 0) {
      return of(withErrors([], refused));
    }
    const { from, to } = request.range;
    return this.agent.query({ from: from.valueOf(), to: to.valueOf(), queries: wire }, request.requestId).pipe(
      map((answer) => toResponse(queries, answer, refused)),
      catchError((error) => throwError(() => toQueryError(error)))
    );
  }

  filterQuery(query: RingsideQuery): boolean {
    return !query.hide && fillQuery(query).metric !== '';
  }

  getDefaultQuery(): Partial<RingsideQuery> {
    return { ...NEW_QUERY };
  }

  getQueryDisplayText(query: RingsideQuery): string {
    return describeQuery(fillQuery(migrateQuery(query)));
  }

  interpolateVariablesInQueries(
    queries: RingsideQuery[],
    scopedVars: ScopedVars,
    filters?: AdHocVariableFilter[]
  ): RingsideQuery[] {
    return queries.map((query) => this.interpolate(query, scopedVars, filters));
  }

  async testDatasource(): Promise<TestDataSourceResponse> {
    try {
      return describeHealth(await firstValueFrom(this.agent.status()));
    } catch (error) {
      return failed(describeFailure(error));
    }
  }

  /** What the agent can be asked; rejects when there is no agent, with the reason as its message. */
  async catalogue(): Promise<CatalogueMetric[]> {
    try {
      return toCatalogue(await firstValueFrom(this.agent.metrics()));
    } catch (error) {
      throw new Error(describeFailure(error));
    }
  }

  /** Values of a label for a list of suggestions; rejects with the reason as its message. */
  async labelValues(request: ValuesRequest, scopedVars?: ScopedVars): Promise<string[]> {
    const templates = templatesOf(scopedVars);
    const { label, metric = '', where = [] } = request;
    try {
      const { values } = await firstValueFrom(
        this.agent.labelValues({
          ...request,
          label: templates.replace(label),
          metric: templates.replace(metric),
          where: interpolateMatchers(where, templates),
        })
      );
      return values;
    } catch (error) {
      throw new Error(describeFailure(error));
    }
  }

  async getTagKeys(options?: DataSourceGetTagKeysOptions<RingsideQuery>): Promise<MetricFindValue[]> {
    const metrics = await this.catalogue().catch(() => BUNDLED_CATALOGUE);
    const asked = new Set(options?.queries?.map(({ metric }) => metric));
    const relevant = metrics.filter(({ name }) => asked.has(name));
    return allLabels(relevant.length > 0 ? relevant : metrics).map((text) => ({ text }));
  }

  async getTagValues(options: DataSourceGetTagValuesOptions<RingsideQuery>): Promise<MetricFindValue[]> {
    const others = (options.filters ?? []).filter(({ key }) => key !== options.key);
    const values = await this.labelValues({
      label: options.key,
      where: toMatchers(others),
      from: options.timeRange?.from.valueOf(),
      to: options.timeRange?.to.valueOf(),
    });
    return values.map((text) => ({ text }));
  }

  private interpolate(query: RingsideQuery, scopedVars: ScopedVars, filters?: AdHocVariableFilter[]): FilledQuery {
    const { where, ...rest } = interpolateQuery(fillQuery(migrateQuery(query)), templatesOf(scopedVars));
    return { ...rest, where: [...where, ...toMatchers(filters)] };
  }

  /** Queries ready to travel, and those whose variables came out as something that cannot. */
  private prepare(targets: RingsideQuery[], { scopedVars, filters, intervalMs }: DataQueryRequest<RingsideQuery>) {
    const prepared = { queries: [] as FilledQuery[], wire: [] as Query[], failed: [] as DataQueryError[] };
    for (const target of targets) {
      const query = this.interpolate(target, scopedVars, filters);
      try {
        prepared.wire.push(toWireQuery(query, { intervalMs }));
        prepared.queries.push(query);
      } catch (error) {
        prepared.failed.push({ refId: target.refId, message: describeFailure(error) });
      }
    }
    return prepared;
  }
}
