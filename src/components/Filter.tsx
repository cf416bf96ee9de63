import React, { useState } from 'react';
import type { SelectableValue } from '@grafana/data';
import { IconButton, Select, useStyles2 } from '@grafana/ui';
import { MATCH_OPERATORS } from '../../wire/limits';
import type { Matcher } from '../../wire/query';
import { variableNames } from '../templates';
import { optionsOf } from './options';
import { getStyles } from './styles';

interface Props {
  matcher: Matcher;
  labels: string[];
  loadValues: (label: string) => Promise<string[]>;
  onChange: (matcher: Matcher) => void;
  onRemove: () => void;
}

const OPERATORS: Array<SelectableValue<Matcher['op']>> = MATCH_OPERATORS.map((value) => ({
  value,
  label: value,
  description: {
    '=': 'is',
    '!=': 'is not',
    '=~': 'matches the whole regular expression',
    '!~': 'does not match the regular expression',
  }[value],
}));

/** One condition: label, operator, value. Values are asked of the agent when their list opens. */
export function Filter({ matcher, labels, loadValues, onChange, onRemove }: Props) {
  const styles = useStyles2(getStyles);
  const { label, op, value } = matcher;
  const [suggestions, setSuggestions] = useState<{ values: string[]; loading?: boolean; failure?: string }>({
    values: [],
  });

  const suggest = () => {
    setSuggestions({ values: [], loading: true });
    loadValues(label).then(
      (values) => setSuggestions({ values }),
      ({ message }: Error) => setSuggestions({ values: [], failure: message })
    );
  };

  return (
    <div className={styles.filter}>
      <Select
        aria-label="Filter label"
        placeholder="label"
        width="auto"
        value={label || null}
        options={optionsOf([...labels, ...variableNames()], label ? [label] : [])}
        allowCustomValue
        onChange={(chosen) => onChange({ label: chosen.value ?? '', op, value: chosen.value === label ? value : '' })}
      />
      <Select
        aria-label="Filter operator"
        width="auto"
        value={op}
        options={OPERATORS}
        onChange={(chosen) => onChange({ ...matcher, op: chosen.value ?? '=' })}
      />
      <Select
        aria-label="Filter value"
        placeholder="(empty)"
        width="auto"
        value={value || null}
        isLoading={suggestions.loading}
        loadingMessage="Asking the agent…"
        noOptionsMessage={suggestions.failure ?? 'The agent knows no value of this label'}
        options={optionsOf([...suggestions.values.filter(Boolean), ...variableNames()], value ? [value] : [])}
        allowCustomValue
        isClearable
        disabled={label === ''}
        onOpenMenu={suggest}
        onChange={(chosen) => onChange({ ...matcher, value: chosen?.value ?? '' })}
      />
      <IconButton name="times" aria-label={`Remove filter ${label}`} onClick={onRemove} />
    </div>
  );
}
