/** The time range and refresh of a page: Grafana's own pickers. */
import { type RawTimeRange, type TimeRange, dateTime, rangeUtil } from '@grafana/data';
import { RefreshPicker, Stack, TimeRangePicker } from '@grafana/ui';
import React, { useCallback, useEffect, useMemo, useState } from 'react';
import { templateSrv } from '../runtime/templateSrv';
import { routeOf } from '../useRoute';

const INTERVALS = ['1s', '5s', '10s', '30s', '1m'];

export interface Time {
  range: TimeRange;
  raw: RawTimeRange;
  /** '' is off. */
  refresh: string;
  setRaw(raw: RawTimeRange): void;
  setRefresh(interval: string): void;
  /** Asks everything again now. */
  run(): void;
  /** Shows an absolute range. */
  zoom(fromMs: number, toMs: number): void;
}

/**
 * What is shown at first; the address may ask for something else, as in Grafana: `?from=now-2m&to=now&refresh=5s`.
 *
 * @param initial e.g. `{ from: 'now-5m', to: 'now' }`
 */
export function useTime(initial: RawTimeRange = { from: 'now-5m', to: 'now' }, initialRefresh = '1s'): Time {
  const [raw, setRaw] = useState<RawTimeRange>(() => {
    const { parameters } = routeOf(window.location.hash);
    return { from: parameters.get('from') ?? initial.from, to: parameters.get('to') ?? initial.to };
  });
  const [refresh, setRefresh] = useState(
    () => routeOf(window.location.hash).parameters.get('refresh') ?? initialRefresh
  );
  const [ran, setRan] = useState(0);
  const run = useCallback(() => setRan((times) => times + 1), []);

  const zoom = useCallback(
    (fromMs: number, toMs: number) => setRaw({ from: dateTime(fromMs), to: dateTime(toMs) }),
    []
  );

  useEffect(() => {
    if (!refresh) {
      return;
    }
    const timer = setInterval(run, rangeUtil.intervalToMs(refresh));
    return () => clearInterval(timer);
  }, [refresh, run]);

  // A relative range is another range each time it is asked.
  const range = useMemo(() => {
    const converted = rangeUtil.convertRawToRange(raw, 'browser');
    templateSrv.updateTimeRange(converted);
    return converted;
  }, [raw, ran]);

  return useMemo(() => ({ range, raw, refresh, setRaw, setRefresh, run, zoom }), [range, raw, refresh, run, zoom]);
}

export function TimeControls({ time }: { time: Time }) {
  const { range, refresh } = time;
  const from = range.from.valueOf();
  const to = range.to.valueOf();
  const shift = (byMs: number) => time.setRaw({ from: dateTime(from + byMs), to: dateTime(to + byMs) });
  return (
    <Stack direction="row" gap={1}>
      <TimeRangePicker
        value={range}
        timeZone="browser"
        onChange={({ raw }) => time.setRaw(raw)}
        onChangeTimeZone={() => {}}
        onMoveBackward={() => shift((from - to) / 2)}
        onMoveForward={() => shift((to - from) / 2)}
        onZoom={() => time.setRaw({ from: dateTime(from - (to - from) / 2), to: dateTime(to + (to - from) / 2) })}
        isOnCanvas
      />
      <RefreshPicker
        intervals={INTERVALS}
        value={refresh}
        onIntervalChanged={time.setRefresh}
        onRefresh={time.run}
        isOnCanvas
      />
    </Stack>
  );
}
