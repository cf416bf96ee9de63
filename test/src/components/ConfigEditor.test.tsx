import React, { useState } from 'react';
import type { DataSourceSettings } from '@grafana/data';
import { render, screen } from '@testing-library/react';
import { ConfigEditor } from '../../../src/components/ConfigEditor';
import type { RingsideOptions, RingsideSecureOptions } from '../../../src/types';
import { person } from '../support/user';

type Settings = DataSourceSettings<RingsideOptions, RingsideSecureOptions>;

function configure(settings: Partial<Settings> = {}) {
  let current = { url: '', jsonData: {}, secureJsonFields: {}, ...settings } as Settings;
  function Held() {
    const [held, setHeld] = useState(current);
    current = held;
    return <ConfigEditor options={held} onOptionsChange={setHeld} />;
  }
  render(<Held />);
  return { user: person(), now: () => current };
}

test('address, token and timeout go where Grafana’s data proxy reads them', async () => {
  const { user, now } = configure();
  await user.type(screen.getByLabelText(/^URL/), 'https://agent:9420');
  await user.type(screen.getByLabelText(/^Bearer token/), 'correct-horse');
  await user.type(screen.getByLabelText(/^Timeout/), '12');
  expect(now()).toMatchObject({
    url: 'https://agent:9420',
    access: 'proxy',
    jsonData: { timeout: 12 },
    secureJsonData: { token: 'correct-horse' },
  });
  await user.clear(screen.getByLabelText(/^Timeout/));
  expect(now().jsonData.timeout).toBeUndefined();
});

test('a line end that was pasted with the token is left out', async () => {
  const { user, now } = configure();
  await user.click(screen.getByLabelText(/^Bearer token/));
  await user.paste('correct-horse\n');
  expect(now().secureJsonData?.token).toBe('correct-horse');
});

test('a token that is set is not shown, and can be taken back', async () => {
  const { user, now } = configure({ secureJsonFields: { token: true } });
  expect(screen.getByLabelText(/^Bearer token/)).toBeDisabled();
  await user.click(screen.getByRole('button', { name: 'Reset' }));
  expect(now().secureJsonFields.token).toBe(false);
  expect(now().secureJsonData?.token).toBe('');
  expect(screen.getByLabelText(/^Bearer token/)).toBeEnabled();
});

test('an address without a scheme is pointed out', async () => {
  const { user } = configure();
  await user.type(screen.getByLabelText(/^URL/), 'agent:9420');
  expect(screen.getByText('Write the address with its scheme, such as http://127.0.0.1:9420.')).toBeInTheDocument();
});

test('TLS options have the names Grafana’s server reads', async () => {
  const { user, now } = configure();
  expect(screen.queryByLabelText('CA certificate')).not.toBeInTheDocument();
  await user.click(screen.getByLabelText(/^Own CA certificate/));
  await user.click(screen.getByLabelText(/^Client certificate/));
  await user.click(screen.getByLabelText('CA certificate'));
  await user.paste('-----CA-----');
  await user.click(screen.getByLabelText('Client certificate (PEM)'));
  await user.paste('-----CERT-----');
  await user.click(screen.getByLabelText('Client key (PEM)'));
  await user.paste('-----KEY-----');
  await user.type(screen.getByLabelText(/^Server name/), 'agent.example');
  await user.click(screen.getByLabelText(/^Skip verification/));
  expect(now()).toMatchObject({
    jsonData: { tlsAuthWithCACert: true, tlsAuth: true, serverName: 'agent.example', tlsSkipVerify: true },
    secureJsonData: { tlsCACert: '-----CA-----', tlsClientCert: '-----CERT-----', tlsClientKey: '-----KEY-----' },
  });
});
