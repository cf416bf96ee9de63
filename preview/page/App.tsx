/** The frame of the page, in Grafana's look: its theme, a menu, and the page that the address names. */
import { createTheme, ThemeContext } from '@grafana/data';
import { Alert, ErrorBoundaryAlert, GlobalStyles, LoadingPlaceholder, ModalRoot, PortalContainer } from '@grafana/ui';
import React, { useEffect, useState } from 'react';
import { Navigation } from './Navigation';
import { ConnectionPage } from './pages/ConnectionPage';
import { DashboardPage } from './pages/DashboardPage';
import { ExplorePage } from './pages/ExplorePage';
import { VariablesPage } from './pages/VariablesPage';
import { dataSources } from './runtime/dataSourceSrv';
import { useRoute } from './useRoute';

const theme = createTheme({ colors: { mode: 'dark' } });

export function App() {
  const [state, setState] = useState<'loading' | 'ready' | Error>('loading');
  useEffect(() => {
    dataSources.load().then(
      () => setState('ready'),
      (error) => setState(error instanceof Error ? error : new Error(error.data?.message ?? error.statusText))
    );
  }, []);
  return (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <PortalContainer />
      <ErrorBoundaryAlert>
        {state === 'loading' && <LoadingPlaceholder text="Loading the plugin" />}
        {state instanceof Error && <Alert title="The plugin could not be loaded">{state.message}</Alert>}
        {state === 'ready' && <Pages />}
      </ErrorBoundaryAlert>
      <ModalRoot />
    </ThemeContext.Provider>
  );
}

function Pages() {
  const { page, argument } = useRoute();
  return (
    <Navigation>
      {page === 'explore' && <ExplorePage />}
      {page === 'dashboards' && <DashboardPage key={argument} path={argument} />}
      {page === 'variables' && <VariablesPage />}
      {page === 'connection' && <ConnectionPage />}
    </Navigation>
  );
}
