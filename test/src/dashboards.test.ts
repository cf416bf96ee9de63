import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { ScopedVars } from '@grafana/data';
import { findLabel, findMetric, planMatchers, planQuery } from '../../agent/query/plan';
import pluginJson from '../../src/plugin.json';
import { prepareQueries } from '../../src/prepare';
import type { RingsideQuery, VariableQuery } from '../../src/types';
import { panelRequest } from './support/ringside';
import { setVariables, type Variable } from './support/templateSrv';

interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  datasource?: unknown;
  targets?: RingsideQuery[];
  gridPos: { x: number; y: number; w: number; h: number };
}
interface DashboardVariable {
  name: string;
  type: string;
  query: VariableQuery | string;
  allValue?: string;
  includeAll?: boolean;
  current?: { value?: string | string[] };
  options?: Array<{ value: string }>;
}
interface Dashboard {
  uid: string;
  schemaVersion: number;
  panels: Panel[];
  templating: { list: DashboardVariable[] };
}

const DATASOURCE = { type: pluginJson.id, uid: '${datasource}' };
const dashboards = pluginJson.includes.map(({ name, path: file }) => {
  const text = readFileSync(path.join(__dirname, '../../src', file), 'utf8');
  return [name, JSON.parse(text) as Dashboard] as const;
});

function variablesOf({ templating }: Dashboard): Record<string, Variable> {
  return Object.fromEntries(
    templating.list.map(({ name, type, allValue, current }) => [
      name,
      { value: current?.value ?? 'ringside', type, allValue },
    ])
  );
}

/** Every combination of what the dashboard's own lists offer. */
function choices({ templating }: Dashboard): ScopedVars[] {
  return templating.list
    .filter(({ type }) => type === 'custom')
    .reduce<ScopedVars[]>(
      (sofar, { name, options = [] }) =>
        sofar.flatMap((vars) => options.map(({ value }) => ({ ...vars, [name]: { text: value, value } }))),
      [{}]
    );
}

describe.each(dashboards)('%s', (_, dashboard) => {
  const panels = dashboard.panels.filter(({ type }) => type !== 'row');

  test.each(panels.map((panel) => [panel.title, panel] as const))(
    '%s: every query can be answered',
    (_title, panel) => {
      setVariables(variablesOf(dashboard));
      expect(panel.targets!.length).toBeGreaterThan(0);
      for (const scopedVars of choices(dashboard)) {
        const { prepared, refused } = prepareQueries(panel.targets!, panelRequest([], { scopedVars }));
        expect(refused).toEqual([]);
        for (const { wire } of prepared) {
          expect(() => planQuery(wire, wire.refId)).not.toThrow();
          expect(JSON.stringify(wire)).not.toContain('$');
        }
      }
    }
  );

  test('panels explain themselves, ask the chosen data source and do not overlap', () => {
    const cells = new Set<string>();
    for (const { title, description, datasource, targets, gridPos } of panels) {
      expect({ title, isExplained: (description ?? '').endsWith('.') }).toEqual({ title, isExplained: true });
      expect(
        [datasource, ...targets!.map((target) => target.datasource)].every(
          (each) => JSON.stringify(each) === JSON.stringify(DATASOURCE)
        )
      ).toBe(true);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(x).toBeLessThan(24);
          expect(cells.has(`${x},${y}`)).toBe(false);
          cells.add(`${x},${y}`);
        }
      }
    }
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  });

  test('heatmap and histogram panels ask for what they draw', () => {
    for (const { type, targets } of panels.filter(({ type }) => type === 'heatmap' || type === 'histogram')) {
      expect(targets).toEqual([expect.objectContaining({ format: type, select: type })]);
    }
  });

  test('filter variables list what exists, and All leaves nothing out', () => {
    const variables = dashboard.templating.list.filter(({ type }) => type === 'query');
    expect(variables.map(({ name }) => name)).toEqual(['namespace', 'workload', 'cgroup']);
    for (const { query, includeAll, allValue } of variables) {
      const { label, metric, where } = query as VariableQuery;
      const known = findMetric(metric!.replace('${side}', 'server'), 'metric');
      expect(() => findLabel(label!, known, 'label')).not.toThrow();
      expect(() => planMatchers(where, known, 'match')).not.toThrow();
      expect({ includeAll, allValue }).toEqual({ includeAll: true, allValue: '.*' });
    }
  });

  test('opens in Grafana 10.2', () => {
    expect(dashboard.schemaVersion).toBeLessThanOrEqual(38);
    expect(dashboard.uid).toMatch(/^[a-z-]{1,40}$/);
  });
});

test('the route that carries the token covers every path the plugin asks', () => {
  const [route, ...others] = pluginJson.routes;
  expect(others).toEqual([]);
  // Without a URL of its own, a route sends to the data source's.
  expect(route).not.toHaveProperty('url');
  for (const asked of ['api/v1/status', 'api/v1/metrics', 'api/v1/labels/pod/values', 'api/v1/query']) {
    expect(asked.startsWith(`${route.path}/`)).toBe(true);
  }
});
