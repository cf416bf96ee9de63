/** Panels of one number a series: Stat, Bar gauge, Gauge. */
import {
  type DisplayValueAlignmentFactors,
  type FieldDisplay,
  ReducerID,
  VizOrientation,
  getDisplayValueAlignmentFactors,
  getFieldDisplayValues,
} from '@grafana/data';
import {
  BarGauge,
  BarGaugeDisplayMode,
  BigValue,
  BigValueColorMode,
  BigValueGraphMode,
  BigValueJustifyMode,
  BigValueTextMode,
  Gauge,
  VizRepeater,
  type VizRepeaterRenderValueProps,
  useTheme2,
} from '@grafana/ui';
import React, { type ReactElement } from 'react';
import { templateSrv } from '../runtime/templateSrv';
import type { VisualizationProps } from './visualization';

type Render = (value: VizRepeaterRenderValueProps<FieldDisplay, DisplayValueAlignmentFactors>) => ReactElement;

function Repeated({
  data,
  options,
  width,
  height,
  sparkline,
  render,
}: VisualizationProps & { sparkline: boolean; render: Render }) {
  const theme = useTheme2();
  const getValues = () =>
    getFieldDisplayValues({
      fieldConfig: { defaults: {}, overrides: [] },
      reduceOptions: { calcs: [ReducerID.lastNotNull], ...options.reduceOptions },
      data: data.series,
      theme,
      sparkline,
      replaceVariables: (text, scopedVars, format) => templateSrv.replace(text, scopedVars, format),
      timeZone: 'browser',
    });
  return (
    <VizRepeater
      getValues={getValues}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      renderValue={render}
      source={data}
      renderCounter={0}
      width={width}
      height={height}
      orientation={options.orientation ?? VizOrientation.Auto}
      itemSpacing={3}
      autoGrid
    />
  );
}

export function StatPanel(props: VisualizationProps) {
  const theme = useTheme2();
  const { colorMode, graphMode, justifyMode, textMode, text } = props.options;
  const render: Render = ({ value, width, height, count }) => (
    <BigValue
      value={value.display}
      sparkline={value.sparkline}
      count={count}
      theme={theme}
      width={width}
      height={height}
      colorMode={colorMode ?? BigValueColorMode.Value}
      graphMode={graphMode ?? BigValueGraphMode.Area}
      justifyMode={justifyMode ?? BigValueJustifyMode.Auto}
      textMode={textMode ?? BigValueTextMode.Auto}
      text={text}
    />
  );
  return <Repeated {...props} sparkline={graphMode !== BigValueGraphMode.None} render={render} />;
}

export function BarGaugePanel(props: VisualizationProps) {
  const theme = useTheme2();
  const render: Render = ({ value, width, height, orientation, alignmentFactors }) => (
    <BarGauge
      value={value.display}
      field={value.field}
      display={value.view?.getFieldDisplayProcessor(value.colIndex ?? 0)}
      alignmentFactors={alignmentFactors}
      theme={theme}
      width={width}
      height={height}
      orientation={orientation}
      displayMode={props.options.displayMode ?? BarGaugeDisplayMode.Gradient}
      showUnfilled={props.options.showUnfilled ?? true}
      itemSpacing={8}
    />
  );
  return <Repeated {...props} sparkline={false} render={render} />;
}

export function GaugePanel(props: VisualizationProps) {
  const theme = useTheme2();
  const render: Render = ({ value, width, height }) => (
    <Gauge
      value={value.display}
      field={value.field}
      theme={theme}
      width={width}
      height={height}
      showThresholdLabels={props.options.showThresholdLabels ?? false}
      showThresholdMarkers={props.options.showThresholdMarkers ?? true}
    />
  );
  return <Repeated {...props} sparkline={false} render={render} />;
}
