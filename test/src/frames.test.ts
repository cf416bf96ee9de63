/** Frames of a running agent, through the functions that Grafana's panels use. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
  createTheme,
  DataFrameType,
  getFieldDisplayName,
  getFieldDisplayValues,
  getHistogramFields,
  isTimeSeriesFrame,
  standardTransformers,
  standardTransformersRegistry,
  transformDataFrame,
  type DataFrame,
} from '@grafana/data';
import { lastValueFrom } from 'rxjs';
import httpDashboard from '../../src/dashboards/http-golden-signals.json';
import { NEW_QUERY } from '../../src/defaults';
import type { RingsideQuery } from '../../src/types';
import { runAgent, type RunningAgent } from './support/agent';
import { DataProxy, proxyTo } from './support/dataProxy';
import { ask, panelRequest, ringside } from './support/ringside';
import { setVariables, type Variable } from './support/templateSrv';

const HTTP = 'http_server_request_duration_seconds';
/** Half a bucket: what a quantile of a scale-3 histogram may be off by. */
const RELATIVE_ERROR = 2 ** (1 / 16) - 1;

let agent: RunningAgent;
beforeAll(async () => {
  agent = await runAgent();
}, 60_000);
afterAll(() => agent.stop());
beforeEach(() => {
  setVariables({});
  new DataProxy(proxyTo(agent.url));
});

async function frames(...queries: Array<Partial<RingsideQuery>>): Promise<DataFrame[]> {
  const targets = queries.map((query, i) => ({ refId: 'ABC'[i], metric: HTTP, ...query }));
  const { data, errors } = await ask(targets, { toMs: agent.nowMs });
  expect(errors).toBeUndefined();
  return data;
}

/** The last value of each series, by its name in a legend. */
function lastValues(data: DataFrame[]): Record<string, number> {
  return Object.fromEntries(
    data.map((frame) => [getFieldDisplayName(frame.fields[1], frame, data), frame.fields[1].values.at(-1)])
  );
}

/** What a Stat or a Bar gauge panel with no setting of its own shows. */
function shown(data: DataFrame[]) {
  return getFieldDisplayValues({
    data,
    fieldConfig: { defaults: {}, overrides: [] },
    reduceOptions: { values: false, calcs: ['lastNotNull'] },
    replaceVariables: (text) => text,
    theme: createTheme(),
    timeZone: 'utc',
  }).map(({ display }) => [display.title, `${display.prefix ?? ''}${display.text}${display.suffix ?? ''}`]);
}

describe('time series', () => {
  test('have a name, a unit and a step, and the numbers of the traffic', async () => {
    const data = await frames({ select: 'rate', by: ['cgroup'] });
    expect(data.every(isTimeSeriesFrame)).toBe(true);
    expect(lastValues(data)).toEqual({ '/billing': 3, '/shop': 21 });
    for (const { fields, meta, refId } of data) {
      expect(refId).toBe('A');
      expect(meta).toMatchObject({ type: DataFrameType.TimeSeriesMulti, preferredVisualisationType: 'graph' });
      expect(fields[0].config.interval).toBe(1_000);
      expect(fields[1].config.unit).toBe('reqps');
      expect(fields[0].values.length).toBe(60);
    }
  });

  test('of quantiles are told apart by their rank', async () => {
    const [low, high] = await frames({
      select: 'quantile',
      quantiles: [0.5, 0.99],
      where: [{ label: 'cgroup', op: '=', value: '/shop' }],
    });
    const values = lastValues([low, high]);
    expect(Object.keys(values)).toEqual(['p50', 'p99']);
    expect(Math.abs(values.p50 / 0.01 - 1)).toBeLessThanOrEqual(RELATIVE_ERROR);
    expect(Math.abs(values.p99 / 0.2 - 1)).toBeLessThanOrEqual(RELATIVE_ERROR);
  });

  test('take their names from the legend template', async () => {
    const data = await frames({
      select: 'quantile',
      quantiles: [0.99],
      by: ['cgroup'],
      legend: '{{cgroup}} at {{quantile}}',
    });
    expect(Object.keys(lastValues(data))).toEqual(['/billing at 0.99', '/shop at 0.99']);
  });

  test('look right as a number, with no setting made by hand', async () => {
    expect(shown(await frames({ select: 'rate', by: ['cgroup'] }))).toEqual([
      ['/billing', '3 req/s'],
      ['/shop', '21 req/s'],
    ]);
    expect(
      shown(await frames({ select: 'error_ratio', where: [{ label: 'cgroup', op: '=', value: '/shop' }] }))
    ).toEqual([[expect.any(String), '4.76%']]);
    const [[, p50]] = shown(await frames({ select: 'quantile', quantiles: [0.5] }));
    expect(p50).toMatch(/^\d+(\.\d+)? ms$/);
    expect(shown(await frames({ metric: 'tcp_connections_active' }))).toEqual([[expect.any(String), '5']]);
  });
});

test('a table has a row a group and a column a value, and three of them merge into one', async () => {
  const { mergeTransformer } = standardTransformers;
  standardTransformersRegistry.setInit(() => [
    { ...mergeTransformer, transformation: mergeTransformer, editor: () => null, imageDark: '', imageLight: '' },
  ]);
  const by = ['cgroup'];
  const data = await frames(
    { select: 'rate', by, format: 'table' },
    { select: 'error_ratio', by, format: 'table' },
    { select: 'quantile', quantiles: [0.5, 0.99], by, format: 'table' }
  );
  expect(data.map(({ fields }) => fields.map(({ name }) => name))).toEqual([
    ['cgroup', 'rate'],
    ['cgroup', 'error_ratio'],
    ['cgroup', 'p50', 'p99'],
  ]);
  expect(data[0].meta?.preferredVisualisationType).toBe('table');
  expect(data[0].fields[0].values).toEqual(['/billing', '/shop']);
  expect(data[0].fields[1].values).toEqual([3, 21]);
  expect(data[1].fields[1].config.unit).toBe('percentunit');
  const [merged] = await lastValueFrom(transformDataFrame([{ id: 'merge', options: {} }], data));
  expect(merged.fields.map(({ name }) => name)).toEqual(['cgroup', 'rate', 'error_ratio', 'p50', 'p99']);
  expect(merged.length).toBe(2);
});

test('a heatmap has the fields of the panel, in its order, on a regular grid', async () => {
  const [frame, ...others] = await frames({ select: 'heatmap', step: '5s' });
  expect(others).toEqual([]);
  expect(frame.meta).toMatchObject({ type: DataFrameType.HeatmapCells, preferredVisualisationPluginId: 'heatmap' });
  const [xMax, yMin, yMax, count] = frame.fields;
  expect(frame.fields.map(({ name }) => name)).toEqual(['xMax', 'yMin', 'yMax', 'count']);
  expect(xMax.config.interval).toBe(5_000);
  expect(yMin.config.unit).toBe('s');
  expect(xMax.values.every((time: number) => time % 5_000 === 0)).toBe(true);
  expect(yMin.values.every((bound: number, i: number) => bound > 0 && bound < yMax.values[i])).toBe(true);
  const total = count.values.reduce((sum: number, cell: number) => sum + cell, 0);
  // 24 requests a second; the ends of the range may cut a step.
  expect(total).toBeGreaterThanOrEqual(24 * 55);
  expect(total % 24).toBe(0);
});

test('a histogram is one frame that the panel takes as it is', async () => {
  const [frame, ...others] = await frames({ select: 'histogram' });
  expect(others).toEqual([]);
  expect(frame.meta).toMatchObject({ type: DataFrameType.Histogram, preferredVisualisationPluginId: 'histogram' });
  const { xMin, xMax, counts } = getHistogramFields(frame)!;
  expect(xMin.values.length).toBe(xMax.values.length);
  expect(counts).toHaveLength(1);
  expect(counts[0].values.reduce((sum: number, bucket: number) => sum + bucket, 0)).toBe(60 * 24);
});

describe('pods and what runs outside Kubernetes, on one node', () => {
  const ALL = { value: ['$__all'], allValue: '.*' };
  const chosen = { namespace: ALL, workload: ALL, pod: ALL };
  const variableNamed = (wanted: string) => httpDashboard.templating.list.find(({ name }) => name === wanted)!;

  test('are told apart by the shortest name each has', async () => {
    expect(Object.keys(lastValues(await frames({ ...NEW_QUERY })))).toEqual(['prod shop p99', 'billing p99']);
    const by = ['namespace', 'pod', 'container', 'status'];
    expect(Object.keys(lastValues(await frames({ select: 'rate', by })))).toEqual([
      '200',
      'prod shop-7d9f6c-x2x4z web 200',
      'prod shop-7d9f6c-x2x4z web 500',
    ]);
  });

  test('are offered by the variables of the dashboard, each narrowed by those before it', async () => {
    const offered = async (variables: Record<string, Variable>) => {
      setVariables(variables);
      const lists = ['namespace', 'workload', 'pod'].map((name) => valuesOf(variableNamed(name).query as object));
      return Promise.all(lists);
    };
    const shop = ['shop-7d9f6c-x2x4z'];
    expect(await offered(chosen)).toEqual([['prod'], ['billing', 'shop'], shop]);
    expect(await offered({ ...chosen, namespace: { value: ['prod'] } })).toEqual([['prod'], ['shop'], shop]);
    expect(await offered({ ...chosen, workload: { value: ['billing'] } })).toEqual([['prod'], ['billing', 'shop'], []]);
  });

  test('are all in its panels until one is chosen', async () => {
    const panel = httpDashboard.panels.find(({ title }) => title === 'Requests')!;
    const rate = async (variables: Record<string, Variable>) => {
      setVariables({ ...variables, side: { value: 'server' } });
      const data = await frames(...(panel.targets as Array<Partial<RingsideQuery>>));
      return Object.values(lastValues(data));
    };
    expect(await rate(chosen)).toEqual([24]);
    expect(await rate({ ...chosen, pod: { value: ['shop-7d9f6c-x2x4z'] } })).toEqual([21]);
    expect(await rate({ ...chosen, workload: { value: ['billing'] } })).toEqual([3]);
  });
});

/** What a template variable of type "Query" offers. */
async function valuesOf(query: object): Promise<string[] | undefined> {
  const request = { ...panelRequest([], { toMs: agent.nowMs }), targets: [{ refId: 'V', ...query }] };
  const { variables } = ringside();
  const { data } = await lastValueFrom(
    (variables as any).query(request) as ReturnType<ReturnType<typeof ringside>['query']>
  );
  return data[0]?.fields[0].values;
}

test('a dashboard variable lists the values of a label, under filters and in the range', async () => {
  expect(await valuesOf({ label: 'cgroup' })).toEqual(['/billing', '/shop']);
  expect(await valuesOf({ label: 'cgroup', metric: 'tcp_connections_failed_total' })).toEqual(['/shop']);
  const where = [{ label: 'status', op: '=', value: '500' }];
  expect(await valuesOf({ label: 'cgroup', metric: HTTP, where })).toEqual(['/shop']);
  setVariables({ status: { value: ['200', '500'] }, what: { value: 'method' } });
  expect(await valuesOf({ label: '$what', metric: HTTP, where: [{ ...where[0], value: '$status' }] })).toEqual([
    'GET',
    'POST',
  ]);
  expect(await valuesOf({ label: '' })).toBeUndefined();
});

test('ad-hoc filters are offered the labels and the values there are', async () => {
  const keys = await ringside().getTagKeys();
  expect(keys).toContainEqual({ text: 'reason' });
  const ofPanel = await ringside().getTagKeys({ filters: [], queries: [{ refId: 'A', metric: 'tcp_rtt_seconds' }] });
  expect(ofPanel).not.toContainEqual({ text: 'reason' });
  const filters = [
    { key: 'status', operator: '=', value: '500' },
    { key: 'cgroup', operator: '=', value: '/billing' },
  ];
  // The filter that is being chosen does not narrow its own list.
  expect(await ringside().getTagValues({ key: 'cgroup', filters })).toEqual([{ text: '/shop' }]);
});

test('the agent’s own words reach the panel', async () => {
  const targets = [
    { refId: 'A', metric: HTTP, select: 'rate' as const },
    { refId: 'B', metric: 'http_sever_request_duration_seconds' },
  ];
  const { data, errors } = await ask(targets, { toMs: agent.nowMs });
  expect(data.length).toBeGreaterThan(0);
  expect(errors).toEqual([{ refId: 'B', message: expect.stringContaining(`did you mean "${HTTP}"`) }]);
});

test('Save & test describes the agent', async () => {
  expect(await ringside().testDatasource()).toEqual({
    status: 'success',
    message: expect.stringMatching(
      /^Ringside agent 1\.2\.3 on test-node, kernel 6\.1\.0-test, 1 node, 3 of 4 pods named, 2 cgroups left out, history reaches back \d+ (s|min)\. Names of pods are missing: The API server does not answer\. .*One program is off\.$/
    ),
  });
});

describe('an agent with a token', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'ringside-'));
  let guarded: RunningAgent;
  beforeAll(async () => {
    guarded = await runAgent(path.join(folder, 'token'));
  }, 60_000);
  afterAll(async () => {
    await guarded.stop();
    rmSync(folder, { recursive: true });
  });

  test.each([undefined, 'wrong'])('refuses %s', async (token) => {
    new DataProxy(proxyTo(guarded.url, { token }));
    expect(await ringside().testDatasource()).toMatchObject({
      status: 'error',
      message: expect.stringContaining('bearer token'),
    });
  });

  test('answers the right one', async () => {
    new DataProxy(proxyTo(guarded.url, { token: 'correct-horse' }));
    expect((await ringside().testDatasource()).status).toBe('success');
  });
});

test('an agent that is gone is said to be', async () => {
  new DataProxy(proxyTo('http://127.0.0.1:1'));
  expect(await ringside().testDatasource()).toMatchObject({
    status: 'error',
    message: expect.stringMatching(/^No agent answers/),
  });
});
