import React, { useState } from 'react';
import { dateTime } from '@grafana/data';
import { act, render, screen, waitFor, within } from '@testing-library/react';
import { QueryEditor } from '../../../src/components/QueryEditor';
import { NEW_QUERY } from '../../../src/defaults';
import type { RingsideQuery } from '../../../src/types';
import { editorAgent } from '../support/catalogue';
import { DataProxy, PROXY_URL } from '../support/dataProxy';
import { ringside } from '../support/ringside';
import { setVariables } from '../support/templateSrv';
import { choose, optionsOf, person } from '../support/user';

// A menu of Grafana's takes jsdom a second.
jest.setTimeout(60_000);

const FROM = 1_790_000_000_000;
const range = { from: dateTime(FROM), to: dateTime(FROM + 60_000), raw: { from: 'now-1m', to: 'now' } };

/** The editor as Grafana holds it: what it changes comes back as its query. */
async function edit(
  query: Partial<RingsideQuery> = {},
  proxy = new DataProxy(editorAgent({ status: ['200', '500'] }))
) {
  const changed: RingsideQuery[] = [];
  const onRunQuery = jest.fn();
  const datasource = ringside();
  function Held() {
    const [held, setHeld] = useState<RingsideQuery>({ refId: 'A', ...query });
    return (
      <QueryEditor
        datasource={datasource}
        query={held}
        range={range}
        onRunQuery={onRunQuery}
        onChange={(next) => {
          changed.push(next);
          setHeld(next);
        }}
      />
    );
  }
  render(<Held />);
  await waitFor(() => expect(proxy.requests.length).toBeGreaterThan(0));
  await act(async () => {});
  return { user: person(), proxy, onRunQuery, last: () => changed.at(-1)!, changed };
}

const field = (name: string) => screen.getByLabelText(name);

beforeEach(() => setVariables({ pod: { value: 'web-1' } }));

test('a new panel’s query is shown, with the metric’s description and unit', async () => {
  await edit();
  expect(screen.getByText('http_server_request_duration_seconds')).toBeInTheDocument();
  expect(screen.getByText(/on the server’s side\. In seconds\.$/)).toBeInTheDocument();
  expect(screen.getByText('Quantiles', { selector: ':not(label)' })).toBeInTheDocument();
  expect(screen.getByText('p99')).toBeInTheDocument();
  expect(screen.getByText('namespace')).toBeInTheDocument();
  expect(screen.getByText('workload')).toBeInTheDocument();
  expect(screen.getByLabelText('Top')).toHaveValue('10');
  expect(screen.getByRole('radio', { name: 'Time series' })).toBeChecked();
  expect(screen.queryByRole('alert')).not.toBeInTheDocument();
});

test('another metric brings its own calculations, formats and labels', async () => {
  const { user, last, onRunQuery } = await edit({ ...NEW_QUERY, by: ['cgroup', 'method', '$pod'] });
  expect(await optionsOf(user, field('Calculate'))).toEqual([
    expect.stringContaining('Quantiles'),
    expect.stringContaining('Rate'),
    expect.stringContaining('Count'),
    expect.stringContaining('Average'),
    expect.stringContaining('Heatmap'),
    expect.stringContaining('Histogram'),
    expect.stringContaining('Error ratio'),
  ]);
  await choose(user, field('Metric'), /^tcp_connections_failed_total/);
  expect(last()).toMatchObject({
    metric: 'tcp_connections_failed_total',
    select: 'rate',
    format: 'time_series',
    by: ['cgroup', '$pod'],
  });
  expect(onRunQuery).toHaveBeenCalled();
  expect(await optionsOf(user, field('Calculate'))).toEqual([
    expect.stringContaining('Rate'),
    expect.stringContaining('Count'),
  ]);
  expect(screen.queryByLabelText('Quantiles')).not.toBeInTheDocument();
  expect(screen.getByRole('radio', { name: 'Heatmap' })).toBeDisabled();
  expect(screen.getByRole('radio', { name: 'Table' })).toBeEnabled();
  expect(await optionsOf(user, field('Group by'))).toEqual(expect.arrayContaining(['node', 'role', 'reason']));
});

test('format and calculation follow each other', async () => {
  const { user, last } = await edit({ ...NEW_QUERY });
  await user.click(screen.getByRole('radio', { name: 'Heatmap' }));
  expect(last()).toMatchObject({ select: 'heatmap', format: 'heatmap' });
  expect(screen.queryByLabelText('Group by')).not.toBeInTheDocument();
  expect(screen.queryByLabelText('Legend')).not.toBeInTheDocument();
  await choose(user, field('Calculate'), /^Histogram/);
  expect(last()).toMatchObject({ select: 'histogram', format: 'histogram' });
  expect(screen.getByRole('radio', { name: 'Histogram' })).toBeChecked();
  await user.click(screen.getByRole('radio', { name: 'Table' }));
  expect(last()).toMatchObject({ select: 'quantile', format: 'table', by: NEW_QUERY.by });
});

test('labels are offered from the widest owner to the narrowest, then what a series is about', async () => {
  const { user } = await edit({ ...NEW_QUERY, by: [] });
  const labels = ['namespace', 'workload', 'pod', 'container', 'node', 'cgroup', 'method', 'status'];
  expect(await optionsOf(user, field('Group by'))).toEqual([...labels, '$pod']);
  await user.click(screen.getByRole('button', { name: 'Add filter' }));
  expect(await optionsOf(user, field('Filter label'))).toEqual([...labels, '$pod']);
});

test('an error ratio is not grouped by status', async () => {
  const { user, last } = await edit({ ...NEW_QUERY, by: ['cgroup', 'status'] });
  await choose(user, field('Calculate'), /^Error ratio/);
  expect(last().by).toEqual(['cgroup']);
  expect(await optionsOf(user, field('Group by'))).not.toContain('status');
});

test('a filter suggests the values the agent has now, of this metric, in this range, under the other filters', async () => {
  const where = [{ label: 'method', op: '!=' as const, value: 'G"T' }];
  const { user, proxy, last } = await edit({ ...NEW_QUERY, where });
  const filters = within(screen.getByRole('group', { name: 'Filters' }));
  await user.click(filters.getByRole('button', { name: 'Add filter' }));
  await choose(user, filters.getAllByLabelText('Filter label')[1], 'status');
  await choose(user, filters.getAllByLabelText('Filter operator')[1], /^=~/);
  await choose(user, filters.getAllByLabelText('Filter value')[1], '500');
  expect(last().where).toEqual([...where, { label: 'status', op: '=~', value: '500' }]);
  expect(proxy.requests.at(-1)).toMatchObject({
    url: `${PROXY_URL}/api/v1/labels/status/values`,
    params: { metric: NEW_QUERY.metric, match: ['method!="G\\"T"'], from: FROM, to: FROM + 60_000 },
  });
  await user.click(screen.getByRole('button', { name: /^Remove filter method/ }));
  expect(last().where).toEqual([{ label: 'status', op: '=~', value: '500' }]);
});

test('a filter takes text of its own, and variables', async () => {
  const { user, last } = await edit({ ...NEW_QUERY, where: [{ label: 'status', op: '=~', value: '' }] });
  await user.type(field('Filter value'), '5..{Enter}');
  expect(last().where).toEqual([{ label: 'status', op: '=~', value: '5..' }]);
  await choose(user, field('Filter value'), '$pod');
  expect(last().where).toEqual([{ label: 'status', op: '=~', value: '$pod' }]);
});

test('quantiles are picked, or typed in either spelling', async () => {
  const { user, last } = await edit({ ...NEW_QUERY });
  await choose(user, field('Quantiles'), 'p50');
  expect(last().quantiles).toEqual([0.99, 0.5]);
  await user.type(screen.getByLabelText('Quantiles'), 'p42{Enter}');
  await user.type(screen.getByLabelText('Quantiles'), '0.123{Enter}');
  expect(last().quantiles).toEqual([0.99, 0.5, 0.42, 0.123]);
});

test('text asks the agent when it is finished, not at every letter', async () => {
  const { user, last, onRunQuery } = await edit({ ...NEW_QUERY });
  await user.type(screen.getByLabelText('Legend'), '{{{{pod}}');
  expect(onRunQuery).not.toHaveBeenCalled();
  await user.tab();
  expect(onRunQuery).toHaveBeenCalledTimes(1);
  expect(last().legend).toBe('{{pod}}');
  await user.type(screen.getByLabelText('Step'), '30s{Enter}');
  await user.clear(screen.getByLabelText('Top'));
  await user.type(screen.getByLabelText('Top'), '5{Enter}');
  expect(last()).toMatchObject({ legend: '{{pod}}', step: '30s', top: 5 });
});

test('what cannot be is pointed out where it was typed, and a variable is not judged', async () => {
  const { user } = await edit({ ...NEW_QUERY, top: '$pod' });
  await user.type(field('Step'), 'often{Enter}');
  expect(screen.getByText('The step is a duration such as 10s or 1m, got "often".')).toBeInTheDocument();
  expect(screen.queryByText(/^Top is/)).not.toBeInTheDocument();
  await user.clear(field('Top'));
  await user.type(field('Top'), '-3{Enter}');
  expect(screen.getByText('Top is a whole number from 1 to 1000, got "-3".')).toBeInTheDocument();
});

test('a metric that does not exist is pointed out', async () => {
  await edit({ ...NEW_QUERY, metric: 'http_requests' });
  expect(screen.getByText('There is no metric http_requests. Choose one from the list.')).toBeInTheDocument();
});

test('without an agent the editor works from the plugin’s own catalogue, and says so', async () => {
  const { user, last } = await edit({}, new DataProxy(() => ({ status: 502, data: '' })));
  expect(await screen.findByRole('alert')).toHaveTextContent(/^No agent answers/);
  await choose(user, field('Metric'), /^tcp_rtt_seconds/);
  expect(last()).toMatchObject({ metric: 'tcp_rtt_seconds', select: 'quantile' });
  await user.click(screen.getByRole('button', { name: 'Add filter' }));
  await choose(user, field('Filter label'), 'role');
  await user.click(screen.getByLabelText('Filter value'));
  expect(await screen.findByRole('option', { name: '$pod' })).toBeInTheDocument();
});
