import React from 'react';
import { Button, useStyles2 } from '@grafana/ui';
import type { Matcher } from '../../wire/query';
import type { RingsideDataSource } from '../datasource';
import { Filter } from './Filter';
import { getStyles } from './styles';

interface Props {
  datasource: RingsideDataSource;
  metric?: string;
  labels: string[];
  where: Matcher[];
  range?: { from: number; to: number };
  onChange: (where: Matcher[]) => void;
}

export function Filters({ datasource, metric, labels, where, range, onChange }: Props) {
  const styles = useStyles2(getStyles);
  const add = () => onChange([...where, { label: '', op: '=', value: '' }]);
  return (
    <div className={styles.filters}>
      {where.map((matcher, i) => (
        <Filter
          // Filters have no identity but their place.
          key={i}
          matcher={matcher}
          labels={labels}
          // Suggestions are those that the other filters leave.
          loadValues={(label) =>
            datasource.labelValues({ label, metric, where: where.filter((_, at) => at !== i), ...range })
          }
          onChange={(changed) => onChange(where.map((old, at) => (at === i ? changed : old)))}
          onRemove={() => onChange(where.filter((_, at) => at !== i))}
        />
      ))}
      <Button variant="secondary" fill="outline" icon="plus" onClick={add}>
        Add filter
      </Button>
    </div>
  );
}
