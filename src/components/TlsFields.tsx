import React, { useId, type ChangeEvent } from 'react';
import type { KeyValue } from '@grafana/data';
import { Field, FieldSet, Input, SecretTextArea, Switch } from '@grafana/ui';
import type { RingsideOptions, RingsideSecureOptions } from '../types';

type Secret = 'tlsCACert' | 'tlsClientCert' | 'tlsClientKey';
type Toggle = 'tlsSkipVerify' | 'tlsAuthWithCACert' | 'tlsAuth';

interface Props {
  options: RingsideOptions;
  secrets?: RingsideSecureOptions;
  configured?: KeyValue<boolean>;
  onChange: (changed: Partial<RingsideOptions>) => void;
  onSecretChange: (changed: Partial<RingsideSecureOptions>) => void;
  onSecretReset: (name: Secret) => void;
}

/** What Grafana's data proxy can do with TLS, under the names its server reads. */
export function TlsFields({ options, secrets, configured, onChange, onSecretChange, onSecretReset }: Props) {
  const id = useId();

  const toggle = (name: Toggle, label: string, description: string) => (
    <Field label={label} description={description} htmlFor={`${id}-${name}`}>
      <Switch
        id={`${id}-${name}`}
        value={options[name] ?? false}
        onChange={({ currentTarget }: ChangeEvent<HTMLInputElement>) => onChange({ [name]: currentTarget.checked })}
      />
    </Field>
  );
  const secret = (name: Secret, label: string, begins: string) => (
    <Field label={label} htmlFor={`${id}-${name}`}>
      <SecretTextArea
        id={`${id}-${name}`}
        cols={60}
        rows={5}
        placeholder={`-----BEGIN ${begins}-----`}
        isConfigured={configured?.[name] ?? false}
        value={secrets?.[name] ?? ''}
        onChange={({ currentTarget }: ChangeEvent<HTMLTextAreaElement>) =>
          onSecretChange({ [name]: currentTarget.value })
        }
        onReset={() => onSecretReset(name)}
      />
    </Field>
  );

  return (
    <FieldSet label="TLS">
      {toggle(
        'tlsAuthWithCACert',
        'Own CA certificate',
        'The agent’s certificate is signed by an authority of your own.'
      )}
      {options.tlsAuthWithCACert && secret('tlsCACert', 'CA certificate', 'CERTIFICATE')}
      {toggle('tlsAuth', 'Client certificate', 'The agent asks Grafana for a certificate.')}
      {options.tlsAuth && secret('tlsClientCert', 'Client certificate (PEM)', 'CERTIFICATE')}
      {options.tlsAuth && secret('tlsClientKey', 'Client key (PEM)', 'RSA PRIVATE KEY')}
      <Field
        label="Server name"
        description="The name in the agent’s certificate, where it is not the one in the URL."
        htmlFor={`${id}-serverName`}
      >
        <Input
          id={`${id}-serverName`}
          width={60}
          value={options.serverName ?? ''}
          onChange={({ currentTarget }: ChangeEvent<HTMLInputElement>) =>
            onChange({ serverName: currentTarget.value.trim() || undefined })
          }
        />
      </Field>
      {toggle(
        'tlsSkipVerify',
        'Skip verification',
        'Accept any certificate. Whoever stands between Grafana and the agent can then read the token.'
      )}
    </FieldSet>
  );
}
