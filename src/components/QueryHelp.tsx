import React from 'react';
import type { GrafanaTheme2, QueryEditorHelpProps } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';
import { css } from '@emotion/css';
import { fillQuery, NEW_QUERY } from '../defaults';
import { describeQuery } from '../describe';
import { EXAMPLES } from '../examples';
import type { RingsideQuery } from '../types';

/** The cheat sheet: each example is a query to click. */
export function QueryHelp({ query, onClickExample }: QueryEditorHelpProps<RingsideQuery>) {
  const styles = useStyles2(getStyles);
  return (
    <div>
      <h2>Ringside cheat sheet</h2>
      <p>
        Pick a metric, what to calculate and the labels to group by. The last point of every series is read from the
        kernel at the moment of the query. Quantiles are exact to 4.4 %.
      </p>
      {EXAMPLES.map(({ question, fields }) => {
        const example = { ...NEW_QUERY, ...fields, refId: query?.refId ?? 'A' };
        return (
          <div key={question} className={styles.example}>
            <div className={styles.question}>{question}</div>
            <button type="button" className={styles.query} onClick={() => onClickExample(example)}>
              <code>{describeQuery(fillQuery(example))}</code>
            </button>
          </div>
        );
      })}
      <p>
        Whose a series is: <code>namespace</code>, <code>workload</code> (the Deployment, StatefulSet, DaemonSet or
        CronJob), <code>pod</code> and <code>container</code> on the <code>node</code>. Outside Kubernetes the workload
        is the systemd unit, the Compose service or the container, or else the cgroup, and there is no pod.
      </p>
      <p>
        Filters compare with <code>=</code>, <code>!=</code>, and <code>=~</code>, <code>!~</code> for regular
        expressions (RE2) that match the whole value. Every field takes template variables; a variable at All drops its
        filter. The status <code>none</code> is a request whose connection ended before an answer came.
      </p>
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  example: css({ marginBottom: theme.spacing(2) }),
  question: css({ fontWeight: theme.typography.fontWeightMedium, marginBottom: theme.spacing(0.5) }),
  query: css({
    display: 'block',
    width: '100%',
    padding: theme.spacing(1),
    textAlign: 'left',
    border: 'none',
    borderRadius: theme.shape.radius.default,
    background: theme.colors.background.secondary,
    '&:hover, &:focus-visible': { background: theme.colors.action.hover },
  }),
});
