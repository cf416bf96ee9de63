/** A dashboard that the plugin bundles, live. */
import { CoreApp } from '@grafana/data';
import { getBackendSrv } from '@grafana/runtime';
import { Alert, LoadingPlaceholder } from '@grafana/ui';
import React, { useEffect, useMemo, useState } from 'react';
import { PageHeader } from '../components/PageHeader';
import { VariableControls } from '../components/VariableControls';
import { Grid } from '../dashboard/Grid';
import type { DashboardModel } from '../dashboard/model';
import { useVariables } from '../dashboard/useVariables';
import { TimeControls, useTime } from '../data/TimeControls';
import { dataSources } from '../runtime/dataSourceSrv';

/** @param path of the JSON within the plugin, e.g. dashboards/http.json */
export function DashboardPage({ path }: { path: string }) {
  const [dashboard, setDashboard] = useState<DashboardModel>();
  const [error, setError] = useState('');
  useEffect(() => {
    getBackendSrv()
      .get<DashboardModel>(`/${dataSources.plugin.meta.baseUrl}/${path}`)
      .then(setDashboard, (failed) => setError(failed.statusText));
  }, [path]);
  if (error) {
    return <Alert title={`${path} could not be read`}>{error}</Alert>;
  }
  return dashboard ? <Dashboard dashboard={dashboard} /> : <LoadingPlaceholder text="Loading the dashboard" />;
}

function Dashboard({ dashboard }: { dashboard: DashboardModel }) {
  const time = useTime(dashboard.time, dashboard.refresh || '');
  const { variables, select, isReady, key } = useVariables(dashboard.templating?.list ?? [], time.range);
  const uid = useMemo(() => dashboard.uid ?? '', [dashboard]);
  return (
    <>
      <PageHeader title={`Dashboards / ${dashboard.title}`}>
        <TimeControls time={time} />
      </PageHeader>
      <VariableControls variables={variables} onSelect={select} />
      {isReady && (
        <Grid panels={dashboard.panels} app={CoreApp.Dashboard} time={time} variablesKey={key} dashboardUID={uid} />
      )}
    </>
  );
}
