import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { ScopedVars } from '@grafana/data';
import { planQuery } from '../../agent/query/plan';
import { OWNER_LABELS } from '../../src/catalogue';
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
  multi?: boolean;
  current?: { value?: string | string[] };
  options?: Array<{ value: string }>;
}
interface Dashboard {
  uid: string;
  schemaVersion: number;
  links: Array<{ type: string; tags: string[]; includeVars: boolean; keepTime: boolean }>;
  tags: string[];
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

/** Every combination of what the dashboard's own lists offer, and of a list of several all at once. */
function choices({ templating }: Dashboard): ScopedVars[] {
  return templating.list
    .filter(({ type }) => type === 'custom')
    .reduce<ScopedVars[]>(
      (sofar, { name, multi, options = [] }) => {
        const single = options.map(({ value }) => value);
        const values = multi ? [...single, single] : single;
        return sofar.flatMap((vars) => values.map((value) => ({ ...vars, [name]: { text: value, value } })));
      },
      [{}]
    );
}

/** What a panel asks the agent while nobody has chosen anything. */
function asked(dashboard: Dashboard, panel: Panel, variables = variablesOf(dashboard)) {
  setVariables(variables);
  const { prepared, refused } = prepareQueries(panel.targets!, panelRequest([]));
  expect(refused).toEqual([]);
  return prepared.map(({ wire }) => planQuery(wire, wire.refId));
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

  test('namespace, workload and pod are each offered as the choice before leaves them', () => {
    const variables = dashboard.templating.list.filter(({ type }) => type === 'query');
    expect(variables.map(({ name }) => name)).toEqual(['namespace', 'workload', 'pod']);
    variables.forEach(({ name, query, includeAll, multi, current }, i) => {
      const before = variables.slice(0, i).map((one) => ({ label: one.name, op: '=~', value: `$${one.name}` }));
      // Of any metric: a choice that is carried along from the other dashboard stays.
      expect(query as VariableQuery).toEqual({ refId: name, label: name, where: before });
      expect({ includeAll, multi, current: current?.value }).toEqual({
        includeAll: true,
        multi: true,
        current: ['$__all'],
      });
    });
  });

  test('All leaves nothing out, what has no namespace and no pod included; a choice leaves the rest out', () => {
    for (const panel of panels) {
      for (const { where } of asked(dashboard, panel)) {
        for (const name of ['namespace', 'workload', 'pod']) {
          const [matcher, ...others] = where.filter(({ label }) => label === name);
          expect(others).toEqual([]);
          expect(['', 'web', 'a\nb'].map(matcher.matches)).toEqual([true, true, true]);
        }
      }
      const chosen = { ...variablesOf(dashboard), pod: { value: ['web-1', 'web.2'] } };
      for (const { where } of asked(dashboard, panel, chosen)) {
        const { matches } = where.find(({ label }) => label === 'pod')!;
        expect(['web-1', 'web.2', 'webx2', ''].map(matches)).toEqual([true, true, false, false]);
      }
    }
  });

  test('lines are grouped by namespace and workload at first, and by any owner’s label on demand', () => {
    const by = dashboard.templating.list.find(({ name }) => name === 'by')!;
    expect(by.options!.map(({ value }) => value)).toEqual(OWNER_LABELS);
    expect(by).toMatchObject({ multi: true, query: OWNER_LABELS.join() });
    const grouped = panels.filter(({ title }) => title.includes('$by'));
    expect(grouped.length).toBeGreaterThan(4);
    for (const plan of grouped.flatMap((panel) => asked(dashboard, panel))) {
      expect(plan.by.slice(0, 2)).toEqual(['namespace', 'workload']);
    }
  });

  test('opens in Grafana 10.2', () => {
    expect(dashboard.schemaVersion).toBeLessThanOrEqual(38);
    expect(dashboard.uid).toMatch(/^[a-z-]{1,40}$/);
  });
});

test('the way to the other dashboard keeps the time and what was chosen', () => {
  const shared = dashboards.map(([, { tags, links, templating }]) => {
    expect(links).toEqual([
      expect.objectContaining({ type: 'dashboards', tags: ['ringside'], includeVars: true, keepTime: true }),
    ]);
    expect(tags).toContain('ringside');
    return templating.list.filter(({ name }) => name !== 'side');
  });
  expect(shared[1]).toEqual(shared[0]);
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
