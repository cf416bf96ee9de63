import { Combobox, InlineField, InlineFieldRow, MultiCombobox } from '@grafana/ui';
import { VariableHide } from '@grafana/data';
import React from 'react';
import type { VariableModel } from '../dashboard/model';

interface Props {
  variables: VariableModel[];
  onSelect(name: string, values: string[]): void;
}

/** In Grafana's units of 8 pixels: all of them stand in one row. */
const MIN_WIDTH = 12;

/** The pickers above a dashboard. */
export function VariableControls({ variables, onSelect }: Props) {
  const shown = variables.filter(
    ({ type, hide, current }) => type !== 'adhoc' && hide !== VariableHide.hideVariable && current
  );
  return (
    <div style={{ padding: '0 16px 4px' }}>
      <InlineFieldRow>
        {shown.map((variable) => {
          const options = (variable.options ?? []).map(({ text, value }) => ({ label: text, value }));
          const { name } = variable;
          const value = [variable.current.value].flat();
          return (
            <InlineField key={name} label={variable.label || name} htmlFor={`variable-${name}`}>
              {variable.multi ? (
                <MultiCombobox
                  id={`variable-${name}`}
                  options={options}
                  value={value}
                  width="auto"
                  minWidth={MIN_WIDTH}
                  onChange={(picked) =>
                    onSelect(
                      name,
                      picked.map((one) => one.value)
                    )
                  }
                />
              ) : (
                <Combobox
                  id={`variable-${name}`}
                  options={options}
                  value={value[0] ?? null}
                  width="auto"
                  minWidth={MIN_WIDTH}
                  onChange={(picked) => onSelect(name, [picked.value])}
                />
              )}
            </InlineField>
          );
        })}
      </InlineFieldRow>
    </div>
  );
}
