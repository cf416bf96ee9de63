/** The field options that dashboards may set, with the processors of `@grafana/data`: what `applyFieldOverrides` reads. */
import {
  type FieldConfigPropertyItem,
  booleanOverrideProcessor,
  dataLinksOverrideProcessor,
  displayNameOverrideProcessor,
  identityOverrideProcessor,
  numberOverrideProcessor,
  stringOverrideProcessor,
  thresholdsOverrideProcessor,
  unitOverrideProcessor,
  valueMappingsOverrideProcessor,
} from '@grafana/data';

type Process = FieldConfigPropertyItem['process'];

const item = (id: string, process: Process, isCustom = false): FieldConfigPropertyItem => ({
  id: isCustom ? `custom.${id}` : id,
  path: id,
  name: id,
  isCustom,
  process,
  shouldApply: () => true,
  // Nothing edits them here.
  editor: () => null,
  override: () => null,
});

const STANDARD: Record<string, Process> = {
  unit: unitOverrideProcessor as Process,
  min: numberOverrideProcessor as Process,
  max: numberOverrideProcessor as Process,
  fieldMinMax: booleanOverrideProcessor as Process,
  decimals: numberOverrideProcessor as Process,
  displayName: displayNameOverrideProcessor as Process,
  noValue: stringOverrideProcessor as Process,
  description: stringOverrideProcessor as Process,
  color: identityOverrideProcessor,
  thresholds: thresholdsOverrideProcessor as Process,
  mappings: valueMappingsOverrideProcessor as Process,
  links: dataLinksOverrideProcessor as Process,
};

/** The options of the time series and table panels that overrides are used with. */
const CUSTOM = [
  'drawStyle', 'lineInterpolation', 'lineWidth', 'lineStyle', 'fillOpacity', 'gradientMode', 'fillBelowTo', 'spanNulls',
  'showPoints', 'pointSize', 'stacking', 'barAlignment', 'axisPlacement', 'axisLabel', 'axisWidth', 'axisSoftMin',
  'axisSoftMax', 'axisGridShow', 'axisCenteredZero', 'axisColorMode', 'scaleDistribution', 'transform', 'thresholdsStyle',
  'hideFrom', 'align', 'cellOptions', 'width', 'minWidth', 'filterable', 'inspect', 'hidden',
]; // prettier-ignore

export const fieldConfigItems: FieldConfigPropertyItem[] = [
  ...Object.entries(STANDARD).map(([id, process]) => item(id, process)),
  ...CUSTOM.map((id) => item(id, identityOverrideProcessor, true)),
];
