import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';

/** Layout shared by the editors. Grafana's own `Stack` came after 10.2. */
export const getStyles = (theme: GrafanaTheme2) => ({
  rows: css({ display: 'flex', flexDirection: 'column', gap: theme.spacing(1) }),
  row: css({ display: 'flex', flexWrap: 'wrap', alignItems: 'flex-start', gap: theme.spacing(0.5, 2) }),
  field: css({ margin: 0 }),
  labelled: css({ display: 'flex', alignItems: 'flex-start', gap: theme.spacing(0.5) }),
  filters: css({ display: 'flex', flexWrap: 'wrap', alignItems: 'center', gap: theme.spacing(1) }),
  filter: css({ display: 'flex', alignItems: 'center', gap: theme.spacing(0.25) }),
  hint: css({ color: theme.colors.text.secondary, fontSize: theme.typography.bodySmall.fontSize }),
  problem: css({ color: theme.colors.warning.text, fontSize: theme.typography.bodySmall.fontSize }),
});
