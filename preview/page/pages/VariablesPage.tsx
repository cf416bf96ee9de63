/** The plugin's editor for query variables, with a preview of the values as in a dashboard's settings. */
import { type DataQuery, type DataSourceApi, type MetricFindValue, VariableSupportType } from '@grafana/data';
import { Alert, Box, ErrorBoundaryAlert, Stack, Tag, Text } from '@grafana/ui';
import React, { type ComponentType, useCallback, useEffect, useState } from 'react';
import { PageHeader } from '../components/PageHeader';
import { findValues } from '../dashboard/variableOptions';
import { TimeControls, useTime } from '../data/TimeControls';
import { dataSources } from '../runtime/dataSourceSrv';

export function VariablesPage() {
  const time = useTime(undefined, '5s');
  const [query, setQuery] = useState<any>(() => startingQuery());
  const [values, setValues] = useState<MetricFindValue[]>([]);
  const [error, setError] = useState('');

  useEffect(() => {
    let isCurrent = true;
    findValues(query, 'preview', time.range).then(
      (found) => isCurrent && (setValues(found), setError('')),
      (failed) => isCurrent && (setValues([]), setError(failed.data?.message ?? failed.message ?? failed.statusText))
    );
    return () => void (isCurrent = false);
  }, [query, time.range]);

  return (
    <>
      <PageHeader title="Query variable">
        <TimeControls time={time} />
      </PageHeader>
      <div style={{ padding: '0 16px 16px' }}>
        <ErrorBoundaryAlert>
          <VariableEditor query={query} onChange={setQuery} range={time.range} />
        </ErrorBoundaryAlert>
        <Box marginTop={3}>
          <Text element="h5">Preview of values</Text>
          {error && <Alert title={error} severity="error" />}
          <Box marginTop={1} data-testid="variable values">
            <Stack direction="row" wrap="wrap">
              {values.map(({ text, value = text }) => (
                <Tag key={String(value)} name={String(text) || '(empty)'} colorIndex={9} />
              ))}
            </Stack>
          </Box>
        </Box>
      </div>
    </>
  );
}

interface EditorProps {
  query: any;
  onChange(query: unknown): void;
  range: ReturnType<typeof useTime>['range'];
}

/** Grafana knows four ways to give a variable an editor; this asks in its order. */
function VariableEditor({ query, onChange, range }: EditorProps) {
  const { VariableQueryEditor, QueryEditor } = dataSources.plugin.components;
  const support = dataSources.current.variables;
  const change = useCallback((changed: unknown) => onChange(changed), [onChange]);
  if (VariableQueryEditor && !support) {
    return <VariableQueryEditor datasource={dataSources.current} query={query} onChange={change} />;
  }
  const isCustom = support?.getType() === VariableSupportType.Custom && 'editor' in support;
  const Editor = (isCustom ? support.editor : QueryEditor) as ComponentType<any> | undefined;
  if (!Editor) {
    return <Text>The plugin has no editor for variables.</Text>;
  }
  return (
    <Editor datasource={dataSources.current} query={query} onChange={change} onRunQuery={() => {}} range={range} />
  );
}

function startingQuery(): DataQuery | string {
  const { variables }: DataSourceApi = dataSources.current;
  return variables ? { refId: 'VariableQuery', ...variables.getDefaultQuery?.() } : '';
}
