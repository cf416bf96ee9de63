import React, { useState } from 'react';
import { act, render, screen, waitFor } from '@testing-library/react';
import { VariableQueryEditor } from '../../../src/components/VariableQueryEditor';
import type { VariableQuery } from '../../../src/types';
import { editorAgent } from '../support/catalogue';
import { DataProxy } from '../support/dataProxy';
import { ringside } from '../support/ringside';
import { setVariables } from '../support/templateSrv';
import { choose, person } from '../support/user';

// A menu of Grafana's takes jsdom a second.
jest.setTimeout(60_000);

test('a variable of a new dashboard becomes the values of a label', async () => {
  setVariables({ namespace: { value: 'prod' } });
  const proxy = new DataProxy(editorAgent({ role: ['client', 'server'] }));
  const changed: VariableQuery[] = [];
  const datasource = ringside();
  function Held() {
    // Grafana starts with the empty text.
    const [held, setHeld] = useState('' as unknown as VariableQuery);
    const onChange = (next: VariableQuery) => {
      changed.push(next);
      setHeld(next);
    };
    return <VariableQueryEditor datasource={datasource} query={held} onChange={onChange} onRunQuery={() => {}} />;
  }
  render(<Held />);
  await waitFor(() => expect(proxy.requests).toHaveLength(1));
  await act(async () => {});
  const user = person();
  const pick = (field: string, name: string) => choose(user, screen.getByLabelText(field), name);

  await pick('On metric', 'tcp_resets_total');
  await pick('Values of', 'direction');
  await user.click(screen.getByRole('button', { name: 'Add filter' }));
  await pick('Filter label', 'role');
  await pick('Filter value', 'client');
  expect(changed.at(-1)).toEqual({
    refId: 'variable',
    label: 'direction',
    metric: 'tcp_resets_total',
    where: [{ label: 'role', op: '=', value: 'client' }],
  });
});
