import {
  DataSourceApi,
  type AdHocVariableFilter,
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
import { toMatchers } from './adhoc';
import { Agent, type ValuesRequest } from './agent';
import { allLabels, BUNDLED_CATALOGUE, toCatalogue, type CatalogueMetric } from './catalogue';
import { fillQuery, NEW_QUERY } from './defaults';
import { describeQuery } from './describe';
import { describeFailure, toQueryError } from './failure';
import { describeHealth, failed } from './health';
import { interpolateMatchers } from './interpolate';
import { migrateQuery } from './migrate';
import { prepareQueries, resolveQuery } from './prepare';
import { toResponse, withErrors } from './response';
import { templatesOf } from './templates';
import type { RingsideOptions, RingsideQuery } from './types';
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
    const { prepared, refused } = prepareQueries(targets, request);
    if (prepared.length === 0) {
      return of(withErrors([], refused));
    }
    const { from, to } = request.range;
    const queries = prepared.map(({ wire }) => wire);
    return this.agent.query({ from: from.valueOf(), to: to.valueOf(), queries }, request.requestId).pipe(
      map((answer) => toResponse(prepared, answer, refused)),
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
    return queries.map((query) => resolveQuery(query, { scopedVars, filters }).query);
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
}
