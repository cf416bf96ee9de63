import { css } from '@emotion/css';
import type { GrafanaTheme2, IconName } from '@grafana/data';
import { Icon, TextLink, useStyles2 } from '@grafana/ui';
import React, { type ReactNode } from 'react';
import { grafanaVersion } from './runtime/boot';
import { dataSources } from './runtime/dataSourceSrv';
import { useRoute } from './useRoute';

/** The dashboards that plugin.json bundles. */
export function bundledDashboards(): Array<{ name: string; path: string }> {
  const includes = dataSources.plugin.meta.includes ?? [];
  return includes.flatMap(({ type, name, path }) => (type === 'dashboard' && path ? [{ name, path }] : []));
}

export function Navigation({ children }: { children: ReactNode }) {
  const styles = useStyles2(getStyles);
  const { page, argument } = useRoute();
  const { meta } = dataSources.plugin;
  return (
    <div className={styles.page}>
      <nav className={styles.menu} aria-label="Main">
        <a className={styles.brand} href="#/explore">
          <img src={`/${meta.baseUrl}/${meta.info.logos.small}`} alt="" width={28} height={28} />
          Ringside
        </a>
        <Item to="explore" icon="compass" text="Explore" active={page === 'explore'} />
        {bundledDashboards().map(({ name, path }) => (
          <Item
            key={path}
            to={`dashboards/${encodeURIComponent(path)}`}
            icon="apps"
            text={name}
            active={page === 'dashboards' && argument === path}
          />
        ))}
        <Item to="variables" icon="brackets-curly" text="Variables" active={page === 'variables'} />
        <Item to="connection" icon="plug" text="Connection" active={page === 'connection'} />
        <p className={styles.footnote}>
          A preview of the plugin, with Grafana&rsquo;s own components ({grafanaVersion}) and no Grafana.{' '}
          <TextLink href="https://grafana.com/grafana/download" external inline variant="bodySmall">
            Get Grafana
          </TextLink>
        </p>
      </nav>
      <main className={styles.content}>{children}</main>
    </div>
  );
}

function Item({ to, icon, text, active }: { to: string; icon: IconName; text: string; active: boolean }) {
  const styles = useStyles2(getStyles);
  return (
    <a className={active ? styles.active : styles.item} href={`#/${to}`} aria-current={active ? 'page' : undefined}>
      <Icon name={icon} size="lg" />
      {text}
    </a>
  );
}

const getStyles = (theme: GrafanaTheme2) => {
  const item = {
    display: 'flex',
    alignItems: 'center',
    gap: theme.spacing(1.5),
    padding: theme.spacing(1, 1.5),
    borderRadius: theme.shape.radius.default,
    color: theme.colors.text.secondary,
    position: 'relative' as const,
    '&:hover': { color: theme.colors.text.primary, background: theme.colors.action.hover },
  };
  return {
    page: css({ display: 'flex', height: '100vh', background: theme.colors.background.canvas }),
    menu: css({
      width: 232,
      flexShrink: 0,
      display: 'flex',
      flexDirection: 'column',
      gap: theme.spacing(0.25),
      padding: theme.spacing(1.5, 1),
      background: theme.colors.background.primary,
      borderRight: `1px solid ${theme.colors.border.weak}`,
    }),
    brand: css({
      display: 'flex',
      alignItems: 'center',
      gap: theme.spacing(1.25),
      padding: theme.spacing(0.5, 1.5, 2),
      ...theme.typography.h4,
      marginBottom: 0,
    }),
    item: css(item),
    active: css({
      ...item,
      color: theme.colors.text.primary,
      background: theme.colors.action.selected,
      '&::before': {
        content: '""',
        position: 'absolute',
        left: 0,
        top: 4,
        bottom: 4,
        width: 4,
        borderRadius: 2,
        backgroundImage: theme.colors.gradients.brandVertical,
      },
    }),
    footnote: css({
      marginTop: 'auto',
      padding: theme.spacing(1.5),
      ...theme.typography.bodySmall,
      color: theme.colors.text.disabled,
    }),
    content: css({ flex: 1, minWidth: 0, overflow: 'auto', display: 'flex', flexDirection: 'column' }),
  };
};
