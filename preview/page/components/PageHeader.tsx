import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';
import React, { type ReactNode } from 'react';

/** The bar on top of a page: where one is on the left, tools on the right. It stays while the page scrolls. */
export function PageHeader({ title, children }: { title: ReactNode; children?: ReactNode }) {
  const styles = useStyles2(getStyles);
  return (
    <header className={styles.header}>
      <h1 className={styles.title}>{title}</h1>
      {children}
    </header>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  header: css({
    position: 'sticky',
    top: 0,
    zIndex: theme.zIndex.navbarFixed,
    display: 'flex',
    alignItems: 'center',
    justifyContent: 'space-between',
    gap: theme.spacing(2),
    minHeight: 56,
    padding: theme.spacing(1.5, 2),
    background: theme.colors.background.canvas,
  }),
  title: css({ ...theme.typography.h4, margin: 0 }),
});
