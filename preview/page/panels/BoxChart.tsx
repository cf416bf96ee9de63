/** A plot of rectangles on Grafana's own axes: cells of a heatmap, bars of a histogram. */
import {
  Portal,
  ScaleDirection,
  ScaleDistribution,
  ScaleOrientation,
  UPlotChart,
  UPlotConfigBuilder,
  VizTooltipContainer,
  useTheme2,
} from '@grafana/ui';
import { AxisPlacement } from '@grafana/schema';
import type { GrafanaTheme2 } from '@grafana/data';
import React, { type ReactNode, useMemo, useRef, useState } from 'react';
import type uPlot from 'uplot';

export interface Box {
  x0: number;
  x1: number;
  y0: number;
  y1: number;
  color: string;
}

export interface BoxAxis {
  min: number;
  max: number;
  /** Powers of two are equally far from each other. */
  log?: boolean;
  /** Milliseconds since 1970. */
  isTime?: boolean;
  format?(value: number): string;
}

interface Props<B extends Box> {
  boxes: B[];
  x: BoxAxis;
  y: BoxAxis;
  width: number;
  height: number;
  tooltip(box: B): ReactNode;
  onZoom?(fromMs: number, toMs: number): void;
}

interface Hover<B> {
  box: B;
  position: { x: number; y: number };
}

export function BoxChart<B extends Box>(props: Props<B>) {
  const { boxes, x, y, width, height, tooltip } = props;
  const theme = useTheme2();
  const [hover, setHover] = useState<Hover<B>>();
  // The plot is made once; what it draws is looked up each time it draws.
  const latest = useRef(props);
  latest.current = props;
  const config = useMemo(() => plotOf(latest, theme, setHover), [theme, x.log, x.isTime, y.log]);
  // A new array makes UPlotChart draw again.
  const data = useMemo<uPlot.AlignedData>(
    () => [
      [x.min, x.max],
      [null, null],
    ],
    [boxes, x.min, x.max, y.min, y.max]
  );
  return (
    <>
      <UPlotChart config={config} data={data} width={width} height={height} />
      {hover && (
        <Portal>
          <VizTooltipContainer position={hover.position} offset={{ x: 12, y: 12 }}>
            {tooltip(hover.box)}
          </VizTooltipContainer>
        </Portal>
      )}
    </>
  );
}

function plotOf<B extends Box>(
  latest: { current: Props<B> },
  theme: GrafanaTheme2,
  setHover: (hover?: Hover<B>) => void
): UPlotConfigBuilder {
  const builder = new UPlotConfigBuilder('browser');
  for (const key of ['x', 'y'] as const) {
    const { isTime, log } = latest.current[key];
    builder.addScale({
      scaleKey: key,
      isTime: Boolean(isTime),
      orientation: key === 'x' ? ScaleOrientation.Horizontal : ScaleOrientation.Vertical,
      direction: key === 'x' ? ScaleDirection.Right : ScaleDirection.Up,
      distribution: log ? ScaleDistribution.Log : ScaleDistribution.Linear,
      log: 2,
      range: () => [latest.current[key].min, latest.current[key].max],
    });
    builder.addAxis({
      scaleKey: key,
      isTime,
      theme,
      timeZone: 'browser',
      placement: key === 'x' ? AxisPlacement.Bottom : AxisPlacement.Left,
      grid: { show: false },
      ...(isTime ? {} : { formatValue: (value: number) => latest.current[key].format?.(value) ?? String(value) }),
      ...(log
        ? {
            splits: (u: uPlot) => decades(latest.current[key], key === 'x' ? u.width / 70 : u.height / 30),
            // uPlot would leave out what is no power of its own base.
            filter: (_u: uPlot, splits: number[]) => splits,
          }
        : {}),
    });
  }
  builder.addSeries({ scaleKey: 'y', theme, pathBuilder: () => null, pointsBuilder: () => false });
  builder.setCursor({ drag: { x: true, y: false, setScale: false }, points: { show: false }, y: false });
  builder.addHook('draw', (u) => drawBoxes(u, latest.current.boxes));
  builder.addHook('setCursor', (u) => setHover(boxUnderCursor(u, latest.current.boxes)));
  builder.addHook('setSelect', (u) => {
    const { left, width } = u.select;
    if (width > 0) {
      latest.current.onZoom?.(u.posToVal(left, 'x'), u.posToVal(left + width, 'x'));
      u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    }
  });
  return builder;
}

/** 1, 2, 5, 10, 20, 50 … within the axis, or fewer of each ten where there is no room for all. */
function decades({ min, max }: BoxAxis, room: number): number[] {
  const tens = Math.log10(max / min);
  const steps = tens * 3 <= room ? [1, 2, 5] : [1];
  const every = Math.max(1, Math.ceil(tens / room));
  const first = Math.floor(Math.log10(min));
  const exponents = Array.from({ length: Math.ceil(tens) + 2 }, (_, i) => first + i).filter((ten) => ten % every === 0);
  return exponents
    .flatMap((ten) => steps.map((step) => Number(`${step}e${ten}`)))
    .filter((value) => value >= min && value <= max);
}

function drawBoxes(u: uPlot, boxes: Box[]): void {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const { x0, x1, y0, y1, color } of boxes) {
    const left = Math.round(u.valToPos(x0, 'x', true));
    const right = Math.round(u.valToPos(x1, 'x', true));
    const top = Math.round(u.valToPos(y1, 'y', true));
    const bottom = Math.round(u.valToPos(y0, 'y', true));
    ctx.fillStyle = color;
    // A pixel is left free between wide boxes, none between boxes that are a few pixels wide.
    const gap = right - left > 4 && bottom - top > 4 ? 1 : 0;
    ctx.fillRect(left, top, Math.max(1, right - left - gap), Math.max(1, bottom - top - gap));
  }
  ctx.restore();
}

function boxUnderCursor<B extends Box>(u: uPlot, boxes: B[]): Hover<B> | undefined {
  const { left = -1, top = -1 } = u.cursor;
  if (left < 0 || top < 0) {
    return undefined;
  }
  const x = u.posToVal(left, 'x');
  const y = u.posToVal(top, 'y');
  const box = boxes.find((one) => one.x0 < x && x <= one.x1 && one.y0 < y && y <= one.y1);
  const origin = u.over.getBoundingClientRect();
  return box && { box, position: { x: origin.left + left, y: origin.top + top } };
}
