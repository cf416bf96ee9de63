import React, { useId } from 'react';
import type { QueryEditorProps } from '@grafana/data';
import { InlineField, InlineLabel, Select, useStyles2 } from '@grafana/ui';
import { allLabels } from '../catalogue';
import type { RingsideDataSource } from '../datasource';
import { variableNames } from '../templates';
import type { RingsideOptions, RingsideQuery, VariableQuery } from '../types';
import { Filters } from './Filters';
import { optionsOf } from './options';
import { getStyles } from './styles';
import { useCatalogue } from './useCatalogue';

type Props = QueryEditorProps<RingsideDataSource, RingsideQuery, RingsideOptions, VariableQuery>;

/** Asks for the values of a label, where wanted only of one metric and under filters. */
export function VariableQueryEditor({ datasource, query, range, onChange }: Props) {
  const styles = useStyles2(getStyles);
  const id = useId();
  const { metrics, failure } = useCatalogue(datasource);
  // A variable that was just added has the empty text for a query.
  const { label = '', metric = '', where = [], refId = 'variable' } = typeof query === 'object' ? query : {};
  const labels = metrics.find(({ name }) => name === metric)?.labels ?? allLabels(metrics);
  const change = (changed: Partial<VariableQuery>) => onChange({ refId, label, metric, where, ...changed });

  return (
    <div className={styles.rows}>
      <InlineField label="Values of" labelWidth={14} className={styles.field}>
        <Select
          inputId={`${id}-label`}
          aria-label="Values of"
          placeholder="Choose a label"
          width={40}
          value={label || null}
          options={optionsOf([...labels, ...variableNames()], label ? [label] : [])}
          allowCustomValue
          onChange={(chosen) => change({ label: chosen.value ?? '' })}
        />
      </InlineField>
      <InlineField label="On metric" labelWidth={14} className={styles.field}>
        <Select
          inputId={`${id}-metric`}
          aria-label="On metric"
          placeholder="any metric"
          width={40}
          value={metric || null}
          options={optionsOf([...metrics.map(({ name }) => name), ...variableNames()], metric ? [metric] : [])}
          allowCustomValue
          isClearable
          onChange={(chosen) => change({ metric: chosen?.value ?? '' })}
        />
      </InlineField>
      <div className={styles.labelled} role="group" aria-label="Filters">
        <InlineLabel width={14}>Filters</InlineLabel>
        <Filters
          datasource={datasource}
          metric={metric}
          labels={labels}
          where={where}
          range={range && { from: range.from.valueOf(), to: range.to.valueOf() }}
          onChange={(changed) => change({ where: changed })}
        />
      </div>
      {failure && (
        <div className={styles.problem} role="alert">
          {failure}
        </div>
      )}
    </div>
  );
}
