import {
  createDataFrame,
  CustomVariableSupport,
  FieldType,
  type DataQueryRequest,
  type DataQueryResponse,
} from '@grafana/data';
import { from, map, of, type Observable } from 'rxjs';
import { VariableQueryEditor } from './components/VariableQueryEditor';
import type { RingsideDataSource } from './datasource';
import type { VariableQuery } from './types';

/** Template variables of type "Query": the values of a label. */
export class LabelValuesVariables extends CustomVariableSupport<RingsideDataSource, VariableQuery> {
  editor = VariableQueryEditor;

  constructor(private readonly datasource: RingsideDataSource) {
    super();
    // Grafana takes this method off the object to call it.
    this.query = this.query.bind(this);
  }

  query({ targets, range, scopedVars }: DataQueryRequest<VariableQuery>): Observable<DataQueryResponse> {
    const [{ label = '', metric, where, refId }] = targets;
    if (label === '') {
      return of({ data: [] });
    }
    const request = { label, metric, where, from: range?.from.valueOf(), to: range?.to.valueOf() };
    return from(this.datasource.labelValues(request, scopedVars)).pipe(
      map((values) => ({
        data: [createDataFrame({ refId, fields: [{ name: 'text', type: FieldType.string, values }] })],
      }))
    );
  }
}
