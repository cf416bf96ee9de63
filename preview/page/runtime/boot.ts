/**
 * What Grafana's server writes into its page before any script runs. `@grafana/runtime` reads it while it is being
 * evaluated, so this file has to be the first import of the page.
 */
declare const GRAFANA_VERSION: string;
declare global {
  interface Window {
    grafanaBootData: unknown;
    __grafana_public_path__: string;
  }
}

/** The version of the `@grafana/*` packages the page is built from. */
export const grafanaVersion = GRAFANA_VERSION;

window.__grafana_public_path__ = '/public/';
window.grafanaBootData = {
  assets: { dark: '', light: '' },
  settings: {
    appUrl: `${window.location.origin}/`,
    appSubUrl: '',
    buildInfo: { version: grafanaVersion, commit: '', env: 'production', edition: 'Open Source' },
    featureToggles: {},
    datasources: {},
  },
  user: { id: 1, isSignedIn: true, orgRole: 'Admin', theme: 'dark', timezone: 'browser', locale: 'en-GB' },
  navTree: [],
};
