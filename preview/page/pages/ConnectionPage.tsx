/** The settings of the data source: the plugin's config editor, and Grafana's "Save & test". */
import { Alert, type AlertVariant, Button, ErrorBoundaryAlert, Field, Input, Stack } from '@grafana/ui';
import React, { useState } from 'react';
import { PageHeader } from '../components/PageHeader';
import { type Settings, dataSources } from '../runtime/dataSourceSrv';

interface Health {
  severity: AlertVariant;
  message: string;
  details?: string;
}

export function ConnectionPage() {
  const [settings, setSettings] = useState<Settings>(dataSources.settings);
  const [health, setHealth] = useState<Health>();
  const [isTesting, setTesting] = useState(false);
  const { ConfigEditor } = dataSources.plugin.components;

  const saveAndTest = async () => {
    setTesting(true);
    setHealth(undefined);
    try {
      await dataSources.save(settings);
      setSettings(dataSources.settings);
      setHealth(await test());
    } catch (error) {
      setHealth(failure(error));
    }
    setTesting(false);
  };
  return (
    <>
      <PageHeader title="Data sources / Ringside" />
      <div style={{ padding: '0 16px 32px', maxWidth: 900 }}>
        <Field label="Name">
          <Input
            width={40}
            value={settings.name}
            onChange={({ currentTarget }) => setSettings({ ...settings, name: currentTarget.value })}
          />
        </Field>
        <ErrorBoundaryAlert>
          {ConfigEditor && (
            <ConfigEditor options={settings} onOptionsChange={(changed) => setSettings(changed as Settings)} />
          )}
        </ErrorBoundaryAlert>
        <div style={{ marginTop: 24 }} aria-live="polite">
          {health && (
            <Alert title={health.message} severity={health.severity} data-testid="health">
              {health.details}
            </Alert>
          )}
        </div>
        <Stack direction="row">
          <Button onClick={saveAndTest} disabled={isTesting}>
            Save &amp; test
          </Button>
        </Stack>
      </div>
    </>
  );
}

/** As Grafana shows it: what testDatasource() answers or throws. */
async function test(): Promise<Health> {
  const { status, message, details } = await dataSources.current.testDatasource();
  return { severity: status?.toLowerCase() === 'success' ? 'success' : 'error', message, details: textOf(details) };
}

function failure(error: any): Health {
  return {
    severity: 'error',
    message: error.data?.message ?? error.message ?? error.statusText,
    details: textOf(error.details),
  };
}

function textOf(details?: { message?: string; verboseMessage?: string }): string | undefined {
  return details?.message ?? details?.verboseMessage;
}
