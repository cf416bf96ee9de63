import { answerQuery } from '../../../agent/query/query';
import type { Query } from '../../../wire/query';
import { plain } from '../../support/plain';
import { ACTIVE, BYTES, HTTP, MILLISECOND, SECOND, T0, World, namesOf, points, pointsOf, rowsOf } from './world';

const steps = (stepMs: number) => ({ select: 'rate', stepMs }) as const;

describe('rate', () => {
  it('is events a second, and 0 where a series was silent', () => {
    const world = new World();
    const get = world.the(HTTP, { method: 'GET', status: '200' });
    world
      .happen(get, ...Array(23).fill(MILLISECOND))
      .pass(10)
      .pass(10)
      .happen(get, MILLISECOND)
      .pass(10);
    expect(points(world.ask(steps(10_000)))).toEqual([
      [10, 2.3],
      [20, 0],
      [30, 0.1],
    ]);
  });

  it('divides the first step by what of it was watched', () => {
    // The agent started 4 s before the end of the step.
    const world = new World({ startMs: T0 + 6_000 });
    const get = world.the(HTTP, {});
    for (let second = 0; second < 14; second++) {
      world.happen(get, MILLISECOND, MILLISECOND).pass(1);
    }
    expect(points(world.ask(steps(10_000)))).toEqual([
      [10, 2],
      [20, 2],
    ]);
    expect(rowsOf(world.ask({ select: 'rate', instant: true }))).toEqual([[2]]);
  });

  it('does not count time before the history as time without requests', () => {
    const world = new World();
    const get = world.the(HTTP, {});
    for (let second = 0; second < 15; second++) {
      world.happen(get, MILLISECOND, MILLISECOND).pass(1);
    }
    const answer = world.ask(steps(10_000), T0 - 25_000);
    expect(points(answer)).toEqual([
      [-20, null],
      [-10, null],
      [0, null],
      [10, 2],
      [15, 2],
    ]);
    expect(answer.notices).toEqual([
      { severity: 'info', text: `History starts at ${new Date(T0).toISOString()}; there is nothing before.` },
    ]);
  });

  it('takes the last moments from the live source, and divides by them', () => {
    const world = new World();
    const get = world.the(HTTP, {});
    for (let second = 0; second < 20; second++) {
      world.happen(get, MILLISECOND, MILLISECOND, MILLISECOND).pass(1);
    }
    world
      .happen(get, ...Array(9).fill(MILLISECOND))
      .pass(2)
      .happen(get, ...Array(6).fill(MILLISECOND))
      .pass(0.5);
    // 2.5 s of the step are over, 15 requests came.
    expect(points(world.ask(steps(10_000), T0, T0 + 3_600_000))).toEqual([
      [10, 3],
      [20, 3],
      [22.5, 6],
    ]);
  });

  it('shows an event at once, and neither a spike nor a dip in a step that has just begun', () => {
    const world = new World();
    const get = world.the(HTTP, {});
    for (let second = 0; second < 20; second++) {
      world.happen(get, ...Array(10).fill(MILLISECOND)).pass(1);
    }
    world.pass(0.1);
    const before = points(world.ask(steps(10_000))).pop()!;
    expect(before[0]).toBe(20.1);
    expect(before[1]).toBeCloseTo(100 / 10.1, 10);
    world.happen(get, MILLISECOND);
    const after = points(world.ask(steps(10_000))).pop()!;
    expect(after[1]).toBeCloseTo(101 / 10.1, 10);
    expect(points(world.ask({ select: 'increase', stepMs: 10_000 })).pop()).toEqual([20.1, 1]);
  });

  it('does not tell an event twice when its tick comes', () => {
    const world = new World();
    const get = world.the(HTTP, {});
    world.pass(3.4).happen(get, MILLISECOND);
    const increase = { select: 'increase', instant: true } as const;
    expect(rowsOf(world.ask(increase))).toEqual([[1]]);
    world.pass(0.3);
    expect(rowsOf(world.ask(increase))).toEqual([[1]]);
    world.pass(1);
    expect(rowsOf(world.ask(increase))).toEqual([[1]]);
  });

  it('includes the last moments for a browser whose clock is a little behind, not for a range of the past', () => {
    const world = new World();
    const get = world.the(HTTP, {});
    world.happen(get, MILLISECOND).pass(10.5).happen(get, MILLISECOND).pass(0.2);
    const increase = { select: 'increase', instant: true } as const;
    expect(rowsOf(world.ask(increase, T0, world.nowMs - 150))).toEqual([[2]]);
    expect(rowsOf(world.ask(increase, T0, T0 + 10_000))).toEqual([[1]]);
  });

  it('sees a series that the live source has only just found', () => {
    const world = new World();
    world.the(HTTP, { pod: 'old' });
    world.pass(5.5);
    const { live, ...context } = world.context;
    const found = {
      ...context,
      live: {
        peek: (into: Parameters<typeof live.peek>[0]) => into.counter(world.the(BYTES, { pod: 'new' }).id, 4096),
      },
    };
    const query: Query = { refId: 'A', metric: BYTES, select: 'increase', by: ['pod'], instant: true };
    expect(rowsOf(plain(answerQuery(query, { from: T0, to: world.nowMs }, found)))).toEqual([['new', 4096]]);
  });

  it('has a gap where nobody looked, and no spike after it', () => {
    const world = new World();
    const get = world.the(HTTP, {});
    world.pass(10);
    // The agent stood still for 30 s; the kernel counted on.
    world.happen(get, ...Array(60).fill(MILLISECOND));
    world.nowMs += 30_000;
    world.tick();
    world.happen(get, ...Array(20).fill(MILLISECOND)).pass(10);
    expect(points(world.ask(steps(10_000)))).toEqual([
      [10, 0],
      [20, null],
      [30, null],
      [40, 2],
      [50, 2],
    ]);
  });

  it('shows a series that is measured and silent as 0, and leaves out one that is gone', () => {
    const world = new World();
    const alive = world.the(HTTP, { pod: 'alive' });
    const gone = world.the(HTTP, { pod: 'gone' });
    world.happen(alive, MILLISECOND).happen(gone, MILLISECOND).pass(10);
    world.series.release(gone.id);
    world.pass(50);
    const answer = world.ask({ select: 'rate', by: ['pod'], stepMs: 10_000 }, T0 + 40_000);
    expect(namesOf(answer)).toEqual(['alive']);
    expect(points(answer)).toEqual([
      [50, 0],
      [60, 0],
    ]);
    expect(namesOf(world.ask({ select: 'rate', by: ['pod'], stepMs: 10_000 }))).toEqual(['alive', 'gone']);
  });
});

describe('increase', () => {
  it('counts bytes, by direction', () => {
    const world = new World();
    const sent = world.the(BYTES, { role: 'client', direction: 'sent' });
    const received = world.the(BYTES, { role: 'client', direction: 'received' });
    world.happen(sent, 1_000).happen(received, 2_311).pass(60).happen(sent, 23).pass(60);
    const answer = world.ask({ metric: BYTES, select: 'increase', by: ['direction'], stepMs: 60_000 });
    expect(namesOf(answer)).toEqual(['received', 'sent']);
    expect(answer.frames.map(pointsOf)).toEqual([
      [
        [60, 2_311],
        [120, 0],
      ],
      [
        [60, 1_000],
        [120, 23],
      ],
    ]);
    expect(answer.frames[0].schema.fields[1].config?.unit).toBe('bytes');
  });
});

describe('error_ratio', () => {
  it('is the share of 5xx and of no answer, and null without traffic', () => {
    const world = new World();
    const status = (code: string) => world.the(HTTP, { method: 'GET', status: code, pod: 'web' });
    world
      .happen(status('200'), ...Array(6).fill(SECOND))
      .happen(status('404'), SECOND)
      .happen(status('503'), SECOND);
    world.happen(status('none'), SECOND).pass(10).pass(10).happen(status('200'), SECOND).pass(10);
    const answer = world.ask({ select: 'error_ratio', by: ['pod'], stepMs: 10_000 });
    expect(points(answer)).toEqual([
      [10, 2 / 9],
      [20, null],
      [30, 0],
    ]);
    expect(answer.frames[0].schema.fields[1].config?.unit).toBe('percentunit');
  });

  it('is a share of what the filters leave', () => {
    const world = new World();
    world.happen(world.the(HTTP, { status: '404' }), SECOND, SECOND).happen(world.the(HTTP, { status: '500' }), SECOND);
    world.happen(world.the(HTTP, { status: '200' }), SECOND).pass(1);
    const where = [{ label: 'status', op: '!=', value: '404' } as const];
    expect(rowsOf(world.ask({ select: 'error_ratio', where, instant: true }))).toEqual([[0.5]]);
  });
});

describe('a gauge', () => {
  it('has the level at the end of a step, summed over the group', () => {
    const world = new World();
    const client = world.the(ACTIVE, { role: 'client' });
    const server = world.the(ACTIVE, { role: 'server' });
    world.happen(client, 5).happen(server, 2).pass(8).happen(client, 3).pass(2).happen(server, 0).pass(20);
    const answer = world.ask({ metric: ACTIVE, select: 'value', stepMs: 10_000 });
    expect(points(answer)).toEqual([
      [10, 5],
      [20, 3],
      [30, 3],
    ]);
    world.happen(client, 0).pass(30);
    expect(points(world.ask({ metric: ACTIVE, select: 'value', stepMs: 10_000 })).slice(-2)).toEqual([
      [50, 0],
      [60, 0],
    ]);
    expect(rowsOf(world.ask({ metric: ACTIVE, select: 'value', by: ['role'], instant: true }))).toEqual([
      ['client', 0],
      ['server', 0],
    ]);
  });

  it('is known now, between two ticks', () => {
    const world = new World();
    world.pass(5.5).happen(world.the(ACTIVE, { role: 'client' }), 7);
    expect(points(world.ask({ metric: ACTIVE, select: 'value', stepMs: 1_000 })).slice(-2)).toEqual([
      [5, 0],
      [5.5, 7],
    ]);
  });

  it('has an average over time, from any tier', () => {
    const world = new World();
    const client = world.the(ACTIVE, { role: 'client' });
    world.happen(client, 6).pass(20).happen(client, 3).pass(40).happen(client, 0).pass(60);
    // (20 × 6 + 40 × 3) / 60, and (6 × 20 + 3 × 40) / 120.
    expect(points(world.ask({ metric: ACTIVE, select: 'avg', stepMs: 60_000 }))).toEqual([
      [60, 4],
      [120, 0],
    ]);
    expect(rowsOf(world.ask({ metric: ACTIVE, select: 'avg', instant: true }))).toEqual([[2]]);
  });
});
