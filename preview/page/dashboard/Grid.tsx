import { css } from '@emotion/css';
import type { CoreApp, GrafanaTheme2 } from '@grafana/data';
import { Icon, useStyles2 } from '@grafana/ui';
import React, { useState } from 'react';
import type { Time } from '../data/TimeControls';
import { Panel } from '../panels/Panel';
import { templateSrv } from '../runtime/templateSrv';
import type { DashboardPanel } from './model';

/** Of Grafana's grid: height of a cell and the space between, in pixels. */
const CELL_HEIGHT = 30;
const GAP = 8;

interface Props {
  panels: DashboardPanel[];
  app: CoreApp;
  time: Time;
  variablesKey: string;
  dashboardUID: string;
}

/** Panels where their gridPos puts them; rows fold. */
export function Grid({ panels, ...rest }: Props) {
  const styles = useStyles2(getStyles);
  const [toggled, setToggled] = useState<ReadonlySet<number>>(new Set());
  const toggle = (id: number) =>
    setToggled((before) => {
      const next = new Set(before);
      return next.delete(id) ? next : next.add(id);
    });
  let hiddenBy = false;
  const shown = panels.flatMap((panel) => {
    if (panel.type !== 'row') {
      return hiddenBy ? [] : [panel];
    }
    const folded = toggled.has(panel.id) !== Boolean(panel.collapsed);
    hiddenBy = folded;
    return [{ ...panel, collapsed: folded }, ...(folded ? [] : (panel.panels ?? []))];
  });
  return (
    <div className={styles.grid}>
      {shown.map((panel) => {
        const { x, w, h } = panel.gridPos;
        const place = { gridColumn: `${x + 1} / span ${w}`, gridRow: `span ${h}` };
        return panel.type === 'row' ? (
          <button key={panel.id} className={styles.row} onClick={() => toggle(panel.id)}>
            <Icon name={panel.collapsed ? 'angle-right' : 'angle-down'} />
            {templateSrv.replace(panel.title)}
          </button>
        ) : (
          <div key={panel.id} style={place}>
            <Panel model={panel} {...rest} />
          </div>
        );
      })}
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  grid: css({
    display: 'grid',
    gridTemplateColumns: 'repeat(24, minmax(0, 1fr))',
    gridAutoRows: CELL_HEIGHT,
    gap: GAP,
    padding: theme.spacing(0, 2, 2),
  }),
  row: css({
    gridColumn: '1 / -1',
    display: 'flex',
    alignItems: 'center',
    gap: theme.spacing(1),
    background: 'none',
    border: 'none',
    ...theme.typography.h5,
    margin: 0,
  }),
});
