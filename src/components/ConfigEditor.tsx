import React, { useId, type ChangeEvent } from 'react';
import type { DataSourcePluginOptionsEditorProps } from '@grafana/data';
import { Field, FieldSet, Input, SecretInput } from '@grafana/ui';
import type { RingsideOptions, RingsideSecureOptions } from '../types';
import { TlsFields } from './TlsFields';

type Props = DataSourcePluginOptionsEditorProps<RingsideOptions, RingsideSecureOptions>;

/** Where the agent is and how Grafana's server talks to it; the browser itself never does. */
export function ConfigEditor({ options, onOptionsChange }: Props) {
  const id = useId();
  const { url, jsonData, secureJsonData, secureJsonFields } = options;

  const changeOption = (changed: Partial<RingsideOptions>) =>
    onOptionsChange({ ...options, jsonData: { ...jsonData, ...changed } });
  const changeSecret = (changed: Partial<RingsideSecureOptions>) =>
    onOptionsChange({ ...options, secureJsonData: { ...secureJsonData, ...changed } });
  const resetSecret = (name: keyof RingsideSecureOptions) =>
    onOptionsChange({
      ...options,
      secureJsonFields: { ...secureJsonFields, [name]: false },
      secureJsonData: { ...secureJsonData, [name]: '' },
    });

  return (
    <>
      <FieldSet label="Agent">
        <Field
          label="URL"
          htmlFor={`${id}-url`}
          description="Address of any Ringside agent, as Grafana’s server sees it."
          invalid={url !== '' && !isHttpUrl(url)}
          error="Write the address with its scheme, such as http://127.0.0.1:9420."
          required
        >
          <Input
            id={`${id}-url`}
            width={60}
            placeholder="http://127.0.0.1:9420"
            value={url}
            onChange={({ currentTarget }: ChangeEvent<HTMLInputElement>) =>
              onOptionsChange({ ...options, url: currentTarget.value.trim(), access: 'proxy' })
            }
          />
        </Field>
        <Field
          label="Bearer token"
          htmlFor={`${id}-token`}
          description="The content of the agent’s token file. Leave it empty for an agent that asks for none."
        >
          <SecretInput
            id={`${id}-token`}
            width={60}
            autoComplete="new-password"
            isConfigured={secureJsonFields?.token ?? false}
            value={secureJsonData?.token ?? ''}
            // A line end that was copied along with the token would break the header.
            onChange={({ currentTarget }) => changeSecret({ token: currentTarget.value.trim() })}
            onReset={() => resetSecret('token')}
          />
        </Field>
        <Field
          label="Timeout"
          htmlFor={`${id}-timeout`}
          description="How many seconds Grafana waits for an answer. Empty is Grafana’s own setting."
        >
          <Input
            id={`${id}-timeout`}
            type="number"
            min={1}
            width={20}
            suffix="s"
            placeholder="30"
            value={jsonData.timeout ?? ''}
            onChange={({ currentTarget }: ChangeEvent<HTMLInputElement>) =>
              changeOption({ timeout: currentTarget.value === '' ? undefined : Number(currentTarget.value) })
            }
          />
        </Field>
      </FieldSet>
      <TlsFields
        options={jsonData}
        secrets={secureJsonData}
        configured={secureJsonFields}
        onChange={changeOption}
        onSecretChange={changeSecret}
        onSecretReset={resetSecret}
      />
    </>
  );
}

function isHttpUrl(text: string): boolean {
  return /^https?:\/\/[^\s/]+/.test(text);
}
