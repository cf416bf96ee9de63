import { getFrameDisplayName } from '@grafana/data';
import { Combobox, Table } from '@grafana/ui';
import React, { useState } from 'react';
import type { VisualizationProps } from './visualization';

const PICKER_HEIGHT = 40;

/** Grafana's table of one frame; a picker where there are more. */
export function TablePanel({ data, options, width, height }: VisualizationProps) {
  const [picked, setPicked] = useState(0);
  const frames = data.series.filter((frame) => frame.fields.length > 0);
  const frame = frames[picked] ?? frames[0];
  const many = frames.length > 1;
  return (
    <div style={{ display: 'flex', flexDirection: 'column', height }}>
      <Table
        ariaLabel="table"
        data={frame}
        width={width}
        height={many ? height - PICKER_HEIGHT : height}
        initialSortBy={options.sortBy}
        noHeader={options.showHeader === false}
        cellHeight={options.cellHeight}
      />
      {many && (
        <div style={{ height: PICKER_HEIGHT, paddingTop: 8 }}>
          <Combobox
            value={picked}
            options={frames.map((one, value) => ({ value, label: getFrameDisplayName(one, value) }))}
            onChange={({ value }) => setPicked(value)}
          />
        </div>
      )}
    </div>
  );
}
