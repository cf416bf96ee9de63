import type { GrafanaTheme2 } from '@grafana/data';
import { useTheme2 } from '@grafana/ui';
import * as d3 from 'd3';
import React from 'react';

export interface ColorScale {
  max: number;
  colorOf(value: number): string;
}

/** `options.color` of Grafana's heatmap panel. */
interface ColorOptions {
  scheme?: string;
  exponent?: number;
  steps?: number;
  reverse?: boolean;
}

/** Schemes of one hue get lighter with the value on a dark page, and darker on a light one. */
const ONE_HUE = [
  'Blues',
  'Greens',
  'Greys',
  'Oranges',
  'Purples',
  'Reds',
  'YlOrRd',
  'YlOrBr',
  'YlGnBu',
  'OrRd',
  'GnBu',
];

export function colorScaleOf(options: ColorOptions | undefined, theme: GrafanaTheme2, max: number): ColorScale {
  const { scheme = 'Oranges', exponent = 0.5, steps = 64, reverse = false } = options ?? {};
  const interpolate: (t: number) => string = d3[`interpolate${scheme}`] ?? d3.interpolateOranges;
  const flip = reverse !== (ONE_HUE.includes(scheme) && theme.isDark);
  const colors = Array.from({ length: steps }, (_, i) => {
    const t = i / Math.max(1, steps - 1);
    return interpolate(flip ? 1 - t : t);
  });
  return {
    max,
    colorOf: (value) => colors[Math.min(steps - 1, Math.floor((value / max) ** exponent * steps))],
  };
}

export function ColorLegend({ scale, format }: { scale: ColorScale; format(value: number): string }) {
  const theme = useTheme2();
  const stops = Array.from({ length: 24 }, (_, i) => scale.colorOf((scale.max * i) / 23));
  return (
    <div style={{ paddingLeft: 56, ...theme.typography.bodySmall, color: theme.colors.text.secondary }}>
      <div style={{ width: 220, height: 8, background: `linear-gradient(to right, ${stops.join(',')})` }} />
      <div style={{ width: 220, display: 'flex', justifyContent: 'space-between' }}>
        <span>{format(0)}</span>
        <span>{format(scale.max)}</span>
      </div>
    </div>
  );
}
