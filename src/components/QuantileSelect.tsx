import React from 'react';
import type { SelectableValue } from '@grafana/data';
import { MultiSelect } from '@grafana/ui';
import { percentile } from '../legend';
import { variableNames } from '../templates';

interface Props {
  inputId: string;
  quantiles: Array<number | string>;
  onChange: (quantiles: Array<number | string>) => void;
}

const COMMON = [0.5, 0.75, 0.9, 0.95, 0.99, 0.999];

/** Several quantiles at once; others are typed as `0.42`, `p42` or a variable. */
export function QuantileSelect({ inputId, quantiles, onChange }: Props) {
  const known = [...new Set([...COMMON, ...quantiles, ...variableNames()])].map(toOption);
  return (
    <MultiSelect
      inputId={inputId}
      aria-label="Quantiles"
      width="auto"
      value={quantiles.map(toOption)}
      options={known}
      allowCustomValue
      onCreateOption={(text) => onChange([...quantiles, parseQuantile(text)])}
      onChange={(chosen) => onChange(chosen.flatMap(({ value }) => value ?? []))}
    />
  );
}

/** The rank that a person typed; what is none is kept as text, so that the panel can say what is wrong with it. */
export function parseQuantile(text: string): number | string {
  const typed = text.trim();
  const [, percent] = /^p(\d+(?:\.\d+)?)$/i.exec(typed) ?? [];
  const rank = percent === undefined ? Number(typed) : Number(percent) / 100;
  return typed !== '' && rank >= 0 && rank <= 1 ? rank : typed;
}

function toOption(value: number | string): SelectableValue<number | string> {
  return { value, label: typeof value === 'number' ? percentile(value) : value };
}
