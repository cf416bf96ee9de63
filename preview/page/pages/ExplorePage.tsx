/** Queries and what they answer: the plugin's own query editor, as in Grafana's Explore. */
import { CoreApp, type DataQuery, LoadingState, type PanelData } from '@grafana/data';
import { Alert, Button, RadioButtonGroup, Stack } from '@grafana/ui';
import React, { useCallback, useMemo, useState } from 'react';
import { PageHeader } from '../components/PageHeader';
import { QueryRow } from '../components/QueryRow';
import { TimeControls, useTime } from '../data/TimeControls';
import { Panel, errorOf } from '../panels/Panel';
import { VISUALIZATIONS } from '../panels/visualizations';
import { UID, dataSources } from '../runtime/dataSourceSrv';

const AUTO = { label: 'Auto', value: '' };
const CHOICES = [
  AUTO,
  ...['timeseries', 'table', 'heatmap', 'histogram', 'stat', 'bargauge'].map((value) => ({
    value,
    label: VISUALIZATIONS[value].name,
  })),
];

export function ExplorePage() {
  const time = useTime();
  const [queries, setQueries] = useState(() => [newQuery([])]);
  const [ran, setRan] = useState(queries);
  const [type, setType] = useState(AUTO.value);
  const [data, setData] = useState<PanelData>({ state: LoadingState.NotStarted, series: [], timeRange: time.range });

  // Editors call onChange and onRunQuery in one go, before React has rendered again.
  const run = useCallback(() => setQueries((current) => (setRan(current), current)), []);
  const replace = (refId: string) => (changed: DataQuery) =>
    setQueries((before) => before.map((query) => (query.refId === refId ? { ...changed, refId } : query)));
  const remove = (refId: string) => {
    setQueries((before) => before.filter((query) => query.refId !== refId));
    run();
  };
  const add = (copied?: DataQuery) => {
    setQueries((before) => [...before, newQuery(before, copied)]);
    run();
  };
  const model = useMemo(() => ({ type, title: '', targets: ran }), [type, ran]);
  const error = errorOf(data);
  return (
    <>
      <PageHeader title="Explore">
        <TimeControls time={time} />
      </PageHeader>
      <div style={{ padding: '0 16px 16px', display: 'flex', flexDirection: 'column', gap: 8, flex: 1 }}>
        {queries.map((query) => (
          <QueryRow
            key={query.refId}
            query={query}
            queries={queries}
            data={data}
            onChange={replace(query.refId)}
            onRunQuery={run}
            onCopy={() => add(query)}
            onRemove={queries.length > 1 ? () => remove(query.refId) : undefined}
          />
        ))}
        <Stack direction="row" justifyContent="space-between" alignItems="center" wrap="wrap">
          <Button variant="secondary" icon="plus" onClick={() => add()}>
            Add query
          </Button>
          <RadioButtonGroup size="sm" options={CHOICES} value={type} onChange={setType} aria-label="Visualization" />
        </Stack>
        {error && (
          <div>
            <Alert title="Query error" severity="error">
              {error}
            </Alert>
          </div>
        )}
        <div style={{ flex: 1, minHeight: 380 }}>
          <Panel model={model} app={CoreApp.Explore} time={time} onData={setData} />
        </div>
      </div>
    </>
  );
}

/** What a new panel starts with: the data source's default, or a copy of another query. */
function newQuery(others: DataQuery[], copied?: DataQuery): DataQuery {
  const taken = others.map((query) => query.refId);
  const refId = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'].find((letter) => !taken.includes(letter)) ?? `Q${taken.length}`;
  const defaults = copied ?? dataSources.current.getDefaultQuery?.(CoreApp.Explore);
  return { ...defaults, refId, datasource: { uid: UID, type: dataSources.settings.type } };
}
