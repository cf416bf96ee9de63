import { type DataFrame, FieldType, dateTimeFormat, formattedValueToString, getFieldDisplayName } from '@grafana/data';
import { SeriesTable } from '@grafana/ui';
import React from 'react';

interface Props {
  /** All series on one time axis. */
  frame: DataFrame;
  /** Row of each field under the cursor. */
  indexes: Array<number | null>;
  /** The field nearest to the cursor. */
  series: number | null;
}

/** Every series at the time under the cursor, largest first. */
export function SeriesTooltip({ frame, indexes, series }: Props) {
  const [time] = frame.fields;
  const row = indexes.find((index) => index !== null);
  const lines = frame.fields.flatMap((field, i) => {
    const index = indexes[i];
    const value = index === null || index === undefined ? null : field.values[index];
    if (
      field.type !== FieldType.number ||
      value === null ||
      value === undefined ||
      field.config.custom?.hideFrom?.tooltip
    ) {
      return [];
    }
    const shown = field.display!(value);
    const label = getFieldDisplayName(field, frame);
    return [
      { label, color: shown.color, value: formattedValueToString(shown), isActive: i === series, sort: Number(value) },
    ];
  });
  if (row === undefined || row === null || lines.length === 0) {
    return null;
  }
  const sorted = lines.sort((a, b) => b.sort - a.sort).slice(0, 25);
  return (
    <div style={{ padding: 8, fontSize: 12 }}>
      <SeriesTable timestamp={dateTimeFormat(time.values[row])} series={sorted} />
    </div>
  );
}
