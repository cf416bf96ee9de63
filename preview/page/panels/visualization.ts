import type { FieldConfig, PanelData } from '@grafana/data';
import type { ComponentType } from 'react';

/** What a panel draws from: the data with its field options applied, and the panel's own options. */
export interface VisualizationProps {
  data: PanelData;
  /** `options` of the panel in a dashboard's JSON. */
  options: Record<string, any>;
  width: number;
  height: number;
  /** A range dragged open in the panel, in milliseconds since 1970. */
  onZoom?(fromMs: number, toMs: number): void;
}

export interface Visualization {
  name: string;
  Component: ComponentType<VisualizationProps>;
  /** The panel's defaults where a dashboard says nothing, as Grafana's panel of that name has them. */
  fieldDefaults: FieldConfig;
}
