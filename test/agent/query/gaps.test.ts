/** Time that nobody measured: an agent that was not there, on a history that goes on. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MIN_HISTORY_BYTES } from '../../../agent/history/history';
import { ACTIVE, BYTES, HTTP, MILLISECOND, T0, World, points, rowsOf } from './world';
import fc from '../../support/properties';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringside-gaps-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (second: number) => new Date(T0 + second * 1000).toISOString();
const gap = (from: number, to: number) => ({
  severity: 'info',
  text: `Nothing was measured from ${at(from)} to ${at(to)}.`,
});

/** An agent's world: it starts at a second, on what is in the file. */
function world(second: number, bytes?: number): World {
  return new World({ startMs: T0 + second * 1000, bytes, path: join(folder, 'history') });
}

/** Two requests and 100 bytes a second. */
function busy(agent: World, seconds: number): World {
  for (let second = 0; second < seconds; second++) {
    agent
      .happen(agent.the(HTTP, { status: '200' }), MILLISECOND, MILLISECOND)
      .happen(agent.the(BYTES, {}), 100)
      .happen(agent.the(ACTIVE, {}), 3)
      .pass(1);
  }
  return agent;
}

describe('a restart', () => {
  it('leaves a gap in the line, says from when to when, and makes neither a spike nor a dip', () => {
    busy(world(0), 20);
    const agent = busy(world(40), 20);
    const answer = agent.ask({ select: 'rate', stepMs: 10_000 });
    expect(points(answer)).toEqual([
      [10, 2],
      [20, 2],
      [30, null],
      [40, null],
      [50, 2],
      [60, 2],
    ]);
    expect(answer.notices).toEqual([gap(20, 40)]);
    expect(points(agent.ask({ metric: BYTES, select: 'increase', stepMs: 10_000 }))).toEqual([
      [10, 1_000],
      [20, 1_000],
      [30, null],
      [40, null],
      [50, 1_000],
      [60, 1_000],
    ]);
    expect(points(agent.ask({ metric: ACTIVE, select: 'value', stepMs: 10_000 })).map(([, value]) => value)).toEqual([
      3,
      3,
      null,
      null,
      3,
      3,
    ]);
    // The rate of the whole range is that of the time that was watched.
    expect(rowsOf(agent.ask({ select: 'rate', instant: true }))).toEqual([[2]]);
  });

  it('is no gap where the next agent tells what happened meanwhile', () => {
    const before = busy(world(0), 20);
    const agent = world(20);
    agent.happen(agent.the(HTTP, { status: '200' }), ...Array(40).fill(MILLISECOND));
    agent.nowMs = T0 + 40_000;
    agent.tick();
    busy(agent, 20);
    expect(before.history.lineage).toBe(agent.history.lineage);
    const answer = agent.ask({ select: 'rate', stepMs: 20_000 });
    expect(points(answer).map(([, value]) => value)).toEqual([2, 2, 2]);
    expect(answer.notices).toEqual([]);
  });

  it('is told only to those who ask about its time', () => {
    busy(world(0), 20);
    const agent = busy(world(40), 30);
    const notices = (from: number, to: number) =>
      agent.ask({ stepMs: 1_000 }, T0 + from * 1000, T0 + to * 1000).notices;
    expect(notices(0, 19)).toEqual([]);
    expect(notices(45, 60)).toEqual([]);
    expect(notices(10, 30)).toEqual([gap(20, 40)]);
    expect(notices(30, 50)).toEqual([gap(20, 40)]);
    expect(notices(25, 35)).toEqual([gap(20, 40)]);
  });

  it('is told before the first tick after it, too', () => {
    busy(world(0), 20);
    const agent = world(50);
    agent.nowMs += 300;
    expect(agent.ask({ stepMs: 10_000 }).notices).toEqual([gap(20, 50)]);
  });

  it('is one of many: the longest are told', () => {
    [0, 20, 70, 90, 170, 200].forEach((second) => busy(world(second), 10));
    const { notices } = busy(world(250), 10).ask({ stepMs: 10_000 });
    expect(notices).toEqual([
      gap(30, 70),
      gap(100, 170),
      gap(210, 250),
      { severity: 'info', text: 'There are 3 shorter gaps in the range.' },
    ]);
  });

  it.each([
    ['minutes', 60_000, 90, 2_000],
    ['tens of minutes', 600_000, 690, 12_000],
  ])('keeps its length when only %s are left of it', (_, stepMs, before, after) => {
    busy(world(0, MIN_HISTORY_BYTES), before);
    const agent = busy(world(before + 20, MIN_HISTORY_BYTES), after);
    expect(agent.history.resolutionMs(T0)).toBe(stepMs);
    const { notices } = agent.ask({ select: 'rate', instant: true });
    // 20 s were lost from the second record, of which this says where they can have been.
    expect(notices).toEqual([gap(stepMs / 1000, stepMs / 1000 + 20)]);
    expect(rowsOf(agent.ask({ select: 'rate', instant: true }))).toEqual([[2]]);
  });
});

describe('whatever agents come and go, with whatever clocks', () => {
  const anyLife = fc.record({
    /** Since the end of the one before, as its own clock has it. */
    pauseSeconds: fc.oneof(
      { weight: 4, arbitrary: fc.integer({ min: 0, max: 400 }) },
      { weight: 1, arbitrary: fc.integer({ min: -20_000, max: 1_500 }) }
    ),
    seconds: fc.integer({ min: 0, max: 90 }),
    tickSeconds: fc.constantFrom(1, 1, 1, 7),
  });

  it('no rate is negative or above what there was, and every event is there once', () => {
    fc.assert(
      fc.property(
        fc.array(anyLife, { minLength: 1, maxLength: 6 }),
        fc.constantFrom(1_000, 5_000, 10_000, 15_000, 60_000, 600_000),
        (lives, stepMs) => {
          const path = join(folder, 'history');
          rmSync(path, { force: true });
          let nowMs = T0;
          let told = 0;
          let agent!: World;
          for (const { pauseSeconds, seconds, tickSeconds } of lives) {
            nowMs += pauseSeconds * 1000;
            agent = new World({ startMs: nowMs, path, bytes: 2 ** 18 });
            for (let second = 0; second < seconds; second += tickSeconds) {
              agent.happen(agent.the(BYTES, {}), 100 * tickSeconds);
              agent.nowMs += tickSeconds * 1000;
              agent.tick();
              told += 100 * tickSeconds;
            }
            nowMs = agent.nowMs;
          }
          const startMs = agent.history.startMs ?? nowMs - 1;
          const from = Math.min(startMs, nowMs - 1);
          const rates = agent.ask({ metric: BYTES, select: 'rate', stepMs }, from, nowMs).frames;
          for (const { data } of rates) {
            const values = data.values[1].filter((value) => value !== null).map(Number);
            expect(Math.min(100, ...values)).toBeGreaterThanOrEqual(0);
            expect(Math.max(0, ...values)).toBeLessThanOrEqual(100);
          }
          const rows = rowsOf(agent.ask({ metric: BYTES, select: 'increase', instant: true }, from - 1_000, nowMs + 1));
          expect(rows[0]?.[0] ?? 0).toBe(told);
        }
      ),
      {
        numRuns: 60,
        // The clock goes back by as much as the newest record is about, while no agent runs.
        examples: [
          [
            [
              { pauseSeconds: 0, seconds: 1, tickSeconds: 1 },
              { pauseSeconds: -1, seconds: 0, tickSeconds: 1 },
              { pauseSeconds: 0, seconds: 1, tickSeconds: 1 },
            ],
            1_000,
          ],
        ],
      }
    );
  });
});
