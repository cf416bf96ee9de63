import { css } from '@emotion/css';
import { CoreApp, type DataQuery, type GrafanaTheme2, type PanelData } from '@grafana/data';
import { Drawer, ErrorBoundaryAlert, IconButton, useStyles2 } from '@grafana/ui';
import React, { useState } from 'react';
import { dataSources } from '../runtime/dataSourceSrv';

interface Props {
  query: DataQuery;
  queries: DataQuery[];
  data: PanelData;
  onChange(query: DataQuery): void;
  onRunQuery(): void;
  onCopy(): void;
  /** Absent where it is the last query. */
  onRemove?(): void;
}

/** One query: its letter, its tools, and the plugin's editor. */
export function QueryRow({ query, queries, data, onChange, onRunQuery, onCopy, onRemove }: Props) {
  const styles = useStyles2(getStyles);
  const [helps, setHelps] = useState(false);
  const { QueryEditor, QueryEditorHelp } = dataSources.plugin.components;
  const toggle = () => {
    onChange({ ...query, hide: !query.hide });
    onRunQuery();
  };
  return (
    <section className={styles.row} aria-label={`Query ${query.refId}`}>
      <header className={styles.header}>
        <span className={styles.refId}>{query.refId}</span>
        <span className={styles.source}>({dataSources.settings.name})</span>
        <span className={styles.text}>{dataSources.current.getQueryDisplayText?.(query)}</span>
        {QueryEditorHelp && (
          <IconButton name="question-circle" tooltip="Show data source help" onClick={() => setHelps(true)} />
        )}
        <IconButton name="copy" tooltip="Duplicate query" onClick={onCopy} />
        <IconButton
          name={query.hide ? 'eye-slash' : 'eye'}
          tooltip={query.hide ? 'Show response' : 'Hide response'}
          onClick={toggle}
        />
        {onRemove && <IconButton name="trash-alt" tooltip="Remove query" onClick={onRemove} />}
      </header>
      <div className={styles.editor}>
        <ErrorBoundaryAlert>
          {QueryEditor && (
            <QueryEditor
              datasource={dataSources.current}
              query={query}
              queries={queries}
              onChange={onChange}
              onRunQuery={onRunQuery}
              data={data}
              range={data.timeRange}
              app={CoreApp.Explore}
              history={[]}
            />
          )}
        </ErrorBoundaryAlert>
      </div>
      {helps && QueryEditorHelp && (
        <Drawer title="Data source help" size="md" onClose={() => setHelps(false)}>
          <QueryEditorHelp
            datasource={dataSources.current}
            query={query}
            onClickExample={(example: DataQuery) => {
              onChange({ ...query, ...example, refId: query.refId });
              onRunQuery();
              setHelps(false);
            }}
          />
        </Drawer>
      )}
    </section>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  row: css({ border: `1px solid ${theme.colors.border.weak}`, borderRadius: theme.shape.radius.default }),
  header: css({
    display: 'flex',
    alignItems: 'center',
    gap: theme.spacing(1),
    padding: theme.spacing(0.5, 1),
    background: theme.colors.background.secondary,
  }),
  refId: css({ ...theme.typography.bodySmall, fontWeight: 500, color: theme.colors.text.link }),
  source: css({ ...theme.typography.bodySmall, color: theme.colors.text.secondary }),
  text: css({
    flex: 1,
    ...theme.typography.bodySmall,
    fontFamily: theme.typography.fontFamilyMonospace,
    color: theme.colors.text.secondary,
    overflow: 'hidden',
    textOverflow: 'ellipsis',
    whiteSpace: 'nowrap',
  }),
  editor: css({ padding: theme.spacing(1), background: theme.colors.background.primary }),
});
