import {
  type DataQuery,
  type DataTransformerConfig,
  type FieldConfigSource,
  LoadingState,
  type PanelData,
  applyFieldOverrides,
  transformDataFrame,
} from '@grafana/data';
import { useTheme2 } from '@grafana/ui';
import { useEffect, useMemo, useRef, useState } from 'react';
import { map, switchMap } from 'rxjs';
import { from, of } from 'rxjs';
import { dataSources } from '../runtime/dataSourceSrv';
import { templateSrv } from '../runtime/templateSrv';
import { type QueryContext, runQueries } from './runQueries';

/** The answer to the queries, asked again whenever they, the time range or the variables change. */
export function usePanelData(
  queries: DataQuery[],
  context: QueryContext,
  variablesKey: string,
  transformations?: DataTransformerConfig[]
): PanelData {
  const { timeRange, maxDataPoints } = context;
  const [data, setData] = useState<PanelData>({ state: LoadingState.NotStarted, series: [], timeRange });
  const latest = useRef(context);
  latest.current = context;

  useEffect(() => {
    if (maxDataPoints < 1) {
      return;
    }
    setData((before) => ({ ...before, state: LoadingState.Loading }));
    const subscription = from(dataSources.get(queries[0]?.datasource))
      .pipe(
        switchMap((dataSource) => runQueries(dataSource, queries, latest.current)),
        switchMap((answer) =>
          transformations?.length
            ? transformDataFrame(transformations, answer.series, {
                interpolate: (text) => templateSrv.replace(text),
              }).pipe(map((series) => ({ ...answer, series })))
            : of(answer)
        )
      )
      .subscribe({
        next: setData,
        error: (error: Error) =>
          setData((before) => ({ ...before, state: LoadingState.Error, errors: [{ message: error.message }] })),
      });
    return () => subscription.unsubscribe();
    // maxDataPoints follows the width: a few pixels more are no reason to ask again.
  }, [queries, timeRange, variablesKey, transformations, maxDataPoints > 0]);

  return data;
}

/** The data with units, colours, thresholds and display names worked out by `@grafana/data`. */
export function useStyledData(data: PanelData, fieldConfig: FieldConfigSource): PanelData {
  const theme = useTheme2();
  return useMemo(
    () => ({
      ...data,
      series: applyFieldOverrides({
        data: data.series,
        fieldConfig,
        theme,
        timeZone: 'browser',
        replaceVariables: (text, scopedVars, format) => templateSrv.replace(text, scopedVars, format),
      }),
    }),
    [data, fieldConfig, theme]
  );
}
