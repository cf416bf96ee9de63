import React, { useId } from 'react';
import type { QueryEditorProps } from '@grafana/data';
import { InlineField, InlineLabel, MultiSelect, RadioButtonGroup, Select, useStyles2 } from '@grafana/ui';
import { SELECTS } from '../../wire/metrics';
import { OWNER_LABELS, SELECT_WORDS } from '../catalogue';
import type { RingsideDataSource } from '../datasource';
import { fillQuery, selectOf } from '../defaults';
import { withFormat, withMetric, withSelect } from '../edits';
import { migrateQuery } from '../migrate';
import { problemWith } from '../request';
import { variableNames } from '../templates';
import { FORMATS, type Format, type QueryFields, type RingsideOptions, type RingsideQuery } from '../types';
import { Filters } from './Filters';
import { optionsOf } from './options';
import { QuantileSelect } from './QuantileSelect';
import { getStyles } from './styles';
import { TextInput } from './TextInput';
import { useCatalogue } from './useCatalogue';

type Props = QueryEditorProps<RingsideDataSource, RingsideQuery, RingsideOptions>;

const FORMAT_WORDS: Record<Format, string> = {
  time_series: 'Time series',
  heatmap: 'Heatmap',
  histogram: 'Histogram',
  table: 'Table',
};

export function QueryEditor({ datasource, query: stored, range, onChange, onRunQuery }: Props) {
  const styles = useStyles2(getStyles);
  const id = useId();
  const { metrics, failure } = useCatalogue(datasource);
  const query = fillQuery(migrateQuery(stored));
  const metric = metrics.find(({ name }) => name === query.metric);
  // A metric named by a variable, or by a newer agent, may be asked anything; the agent knows what it can answer.
  const selects = metric?.selects ?? SELECTS;
  const labels = metric?.labels ?? [...OWNER_LABELS];
  // A ratio between statuses cannot be told apart by status.
  const groupable = query.select === 'error_ratio' ? labels.filter((label) => label !== 'status') : labels;
  const merged = query.format === 'heatmap' || query.format === 'histogram';

  const change = (changed: Partial<QueryFields>) => {
    onChange({ ...query, ...changed });
    onRunQuery();
  };

  const validation = (field: 'step' | 'top') => {
    const error = problemWith(field, query);
    return { error, invalid: error !== undefined };
  };
  const isUnknown = !metric && query.metric !== '' && !query.metric.includes('$');

  return (
    <div className={styles.rows}>
      <div className={styles.row}>
        <InlineField label="Metric" labelWidth={12} className={styles.field}>
          <Select
            inputId={`${id}-metric`}
            aria-label="Metric"
            width="auto"
            value={query.metric || null}
            placeholder="Choose a metric"
            options={[
              ...metrics.map(({ name, unit, help }) => ({
                value: name,
                label: name,
                description: `${help} In ${unit}.`,
              })),
              ...optionsOf(variableNames(), metric || !query.metric ? [] : [query.metric]),
            ]}
            allowCustomValue
            onChange={({ value = '' }) => change(withMetric(query, value, metrics))}
          />
        </InlineField>
        <InlineField label="Format" className={styles.field}>
          <RadioButtonGroup
            aria-label="Format"
            value={query.format}
            options={FORMATS.map((value) => ({ value, label: FORMAT_WORDS[value] }))}
            disabledOptions={FORMATS.filter((format) => !selects.includes(selectOf(format) ?? selects[0]))}
            onChange={(format) => change(withFormat(query, format, selects))}
          />
        </InlineField>
      </div>
      {metric && <div className={styles.hint}>{`${metric.help} In ${metric.unit}.`}</div>}
      {isUnknown && (
        <div className={styles.problem}>{`There is no metric ${query.metric}. Choose one from the list.`}</div>
      )}
      {failure && (
        <div className={styles.problem} role="alert">
          {failure}
        </div>
      )}
      <div className={styles.row}>
        <InlineField label="Calculate" labelWidth={12} className={styles.field}>
          <Select
            inputId={`${id}-select`}
            aria-label="Calculate"
            width="auto"
            value={query.select}
            options={selects.map((value) => ({ value, ...SELECT_WORDS[value] }))}
            onChange={({ value }) => value && change(withSelect(query, value))}
          />
        </InlineField>
        {query.select === 'quantile' && (
          <InlineField label="Quantiles" className={styles.field}>
            <QuantileSelect
              inputId={`${id}-quantiles`}
              quantiles={query.quantiles}
              onChange={(quantiles) => change({ quantiles })}
            />
          </InlineField>
        )}
        {!merged && (
          <>
            <InlineField label="Group by" className={styles.field} tooltip="One series for each value of these labels">
              <MultiSelect
                inputId={`${id}-by`}
                aria-label="Group by"
                width="auto"
                placeholder="nothing: one series"
                value={query.by}
                options={optionsOf([...groupable, ...variableNames()], query.by)}
                allowCustomValue
                onChange={(chosen) => change({ by: chosen.flatMap(({ value }) => value ?? []) })}
              />
            </InlineField>
            <InlineField
              label="Top"
              className={styles.field}
              tooltip="Keep only the series with the largest values"
              {...validation('top')}
            >
              <TextInput
                id={`${id}-top`}
                width={10}
                placeholder="all"
                value={String(query.top)}
                onCommit={(top) => change({ top: /^\d+$/.test(top) ? Number(top) : top })}
              />
            </InlineField>
          </>
        )}
      </div>
      <div className={styles.labelled} role="group" aria-label="Filters">
        <InlineLabel width={12}>Filters</InlineLabel>
        <Filters
          datasource={datasource}
          metric={query.metric}
          labels={labels}
          where={query.where}
          range={range && { from: range.from.valueOf(), to: range.to.valueOf() }}
          onChange={(where) => change({ where })}
        />
      </div>
      <div className={styles.row}>
        {(query.format === 'time_series' || query.format === 'heatmap') && (
          <InlineField
            label="Step"
            labelWidth={12}
            className={styles.field}
            tooltip="Width of a point, such as 10s or 1m. Empty follows the panel."
            {...validation('step')}
          >
            <TextInput
              id={`${id}-step`}
              width={12}
              placeholder="auto"
              value={query.step}
              onCommit={(step) => change({ step })}
            />
          </InlineField>
        )}
        {query.format === 'time_series' && (
          <InlineField
            label="Legend"
            className={styles.field}
            tooltip="Name of each series. {{workload}} stands for the label’s value, {{quantile}} for the rank."
          >
            <TextInput
              id={`${id}-legend`}
              width={30}
              placeholder="auto"
              value={query.legend}
              onCommit={(legend) => change({ legend })}
            />
          </InlineField>
        )}
      </div>
    </div>
  );
}
