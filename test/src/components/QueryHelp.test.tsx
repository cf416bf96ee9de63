import React from 'react';
import { render, screen } from '@testing-library/react';
import { Compile } from 'typebox/compile';
import { METRICS } from '../../../wire/metrics';
import { QuerySchema } from '../../../wire/query';
import { QueryHelp } from '../../../src/components/QueryHelp';
import { fillQuery } from '../../../src/defaults';
import { EXAMPLES } from '../../../src/examples';
import { toWireQuery } from '../../../src/request';
import type { RingsideQuery } from '../../../src/types';
import { ringside } from '../support/ringside';
import { person } from '../support/user';

test('every example is a query to click, that the agent can answer', async () => {
  const clicked: RingsideQuery[] = [];
  render(<QueryHelp datasource={ringside()} query={{ refId: 'B' }} onClickExample={(query) => clicked.push(query)} />);
  const user = person();
  for (const example of screen.getAllByRole('button')) {
    await user.click(example);
  }
  expect(clicked).toHaveLength(EXAMPLES.length);
  const schema = Compile(QuerySchema);
  for (const query of clicked) {
    const wire = toWireQuery(fillQuery(query), { intervalMs: 1_000 });
    expect([...schema.Errors(wire)]).toEqual([]);
    expect(wire.refId).toBe('B');
    const metric = METRICS.find(({ name }) => name === wire.metric)!;
    expect(metric.selects).toContain(wire.select);
  }
});
