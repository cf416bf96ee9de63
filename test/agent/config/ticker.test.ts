import { Ticker, type TickerOptions } from '../../../agent/ticker';

const START_MS = 1_790_000_000_250;

/** How far the monotonic clock is ahead of the timers: time in which no timer could run. */
let aheadMs: number;
let ticks: number[];
let failing: Error | undefined;
let said: string[];

function start(changes: Partial<TickerOptions> = {}): Ticker {
  ticker = new Ticker({
    intervalMs: 1_000,
    tick: (timeMs) => {
      if (failing) {
        throw failing;
      }
      ticks.push(timeMs);
    },
    onFailure: (error) => said.push((error as Error).message),
    onRecovery: (failures) => said.push(`recovered after ${failures}`),
    monotonicMs: () => performance.now() + aheadMs,
    ...changes,
  });
  ticker.start();
  return ticker;
}

let ticker: Ticker;

beforeEach(() => {
  aheadMs = 0;
  ticks = [];
  said = [];
  failing = undefined;
  jest.useFakeTimers({ now: START_MS });
});
afterEach(() => {
  ticker.stop();
  jest.useRealTimers();
});

it('ticks at whole seconds, whatever a tick takes', () => {
  start({
    tick: (timeMs) => {
      ticks.push(timeMs);
      // The clock goes on while the tick runs; the next one is due all the same.
      jest.setSystemTime(Date.now() + 100);
    },
  });
  jest.advanceTimersByTime(750);
  expect(ticks).toEqual([START_MS + 750]);
  jest.advanceTimersByTime(900);
  expect(ticks).toEqual([START_MS + 750, START_MS + 1_750]);
});

it('is ready from the first tick on', () => {
  start();
  expect(ticker.readiness).toEqual({ ready: false, reason: expect.stringContaining('not been read yet') });
  jest.advanceTimersByTime(750);
  expect(ticker.readiness).toEqual({ ready: true, reason: '' });
  expect(ticker.stats).toMatchObject({ ticks: 1, failures: 0, overruns: 0, lastTickMs: START_MS + 750 });
});

it('survives ticks that throw, says so once, and is not ready meanwhile', () => {
  start();
  jest.advanceTimersByTime(750);
  failing = new Error('the map is gone');
  jest.advanceTimersByTime(3_000);
  expect(ticker.readiness.ready).toBe(false);
  expect(ticker.readiness.reason).toContain('the map is gone');
  expect(said).toEqual(['the map is gone']);
  failing = undefined;
  jest.advanceTimersByTime(1_000);
  expect(ticker.readiness.ready).toBe(true);
  expect(said).toEqual(['the map is gone', 'recovered after 3']);
  expect(ticker.stats).toMatchObject({ ticks: 2, failures: 3 });
});

it('counts the ticks that never ran', () => {
  start();
  jest.advanceTimersByTime(750);
  // The thread was held: both clocks went on by 4.2 s more than the timers did.
  aheadMs = 4_200;
  jest.setSystemTime(Date.now() + 4_200);
  jest.advanceTimersByTime(1_000);
  expect(ticker.stats.overruns).toBe(4);
});

it('notices that nothing was read for a while', () => {
  start();
  jest.advanceTimersByTime(750);
  aheadMs = 12_000;
  expect(ticker.readiness).toEqual({ ready: false, reason: 'The kernel has not been read for 12 s.' });
});

it('remembers the longest time that nothing was read, if it was long', () => {
  start();
  jest.advanceTimersByTime(3_750);
  expect(ticker.stats).toMatchObject({ longestPauseMs: 0, longestPauseEndMs: 0 });
  for (const heldMs of [7_000, 62_000, 9_000]) {
    aheadMs += heldMs;
    jest.setSystemTime(Date.now() + heldMs);
    jest.advanceTimersByTime(2_000);
  }
  const { longestPauseMs, longestPauseEndMs } = ticker.stats;
  expect(Math.round(longestPauseMs / 1_000)).toBe(63);
  expect(Math.round((longestPauseEndMs - START_MS) / 1_000)).toBe(4 + 7 + 2 + 62 + 1);
});

it('goes on when the clock is set back, and counts no overrun when it is set forward', () => {
  start();
  jest.advanceTimersByTime(750);
  jest.setSystemTime(START_MS - 3_600_000);
  jest.advanceTimersByTime(3_000);
  expect(ticks.length).toBeGreaterThanOrEqual(3);
  expect(ticks.at(-1)).toBeLessThan(START_MS);
  jest.setSystemTime(START_MS + 3_600_000);
  jest.advanceTimersByTime(2_000);
  expect(ticks.at(-1)).toBeGreaterThan(START_MS + 3_600_000);
  expect(ticker.stats.overruns).toBeLessThanOrEqual(1);
});

it('stops, also from within a tick', () => {
  start({
    tick: (timeMs) => {
      ticks.push(timeMs);
      ticker.stop();
    },
  });
  jest.advanceTimersByTime(5_000);
  expect(ticks).toHaveLength(1);
});

describe('whether a restart could help', () => {
  it('is no while ticks fail: the next process would have the same kernel', () => {
    start();
    failing = new Error('the map is gone');
    jest.advanceTimersByTime(300_000);
    expect(ticker.readiness.ready).toBe(false);
    expect(ticker.liveness).toEqual({ ready: true, reason: '' });
  });

  it('is no on a machine that comes round to a tick every 59 s', () => {
    start();
    jest.advanceTimersByTime(750);
    for (let i = 0; i < 5; i++) {
      aheadMs += 58_000;
      expect(ticker.liveness.ready).toBe(true);
      jest.advanceTimersByTime(1_000);
    }
  });

  it('is yes when the timer is lost and the process still answers', () => {
    start();
    jest.advanceTimersByTime(750);
    aheadMs = 61_000;
    expect(ticker.liveness).toEqual({
      ready: false,
      reason: 'No reading of the kernel has been tried for 61 s.',
    });
  });

  it('waits longer where ticks are rarer', () => {
    start({ intervalMs: 60_000 });
    aheadMs = 299_000;
    expect(ticker.liveness.ready).toBe(true);
    aheadMs = 301_000;
    expect(ticker.liveness.ready).toBe(false);
  });

  it('is not asked before the first tick is due, nor after the last', () => {
    start();
    ticker.stop();
    aheadMs = 600_000;
    expect(ticker.liveness.ready).toBe(true);
  });
});
