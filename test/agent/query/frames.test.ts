import { ACTIVE, BYTES, HTTP, LIFETIME, MILLISECOND, SECOND, T0, World, namesOf, rowsOf } from './world';

function shop(): World {
  const world = new World();
  const pods: Array<[string, number]> = [
    ['cart', 5],
    ['checkout', 23],
    ['payment', 11],
  ];
  for (const [pod, requests] of pods) {
    world.happen(
      world.the(HTTP, { namespace: 'shop', pod, method: 'GET', status: '200' }),
      ...Array(requests).fill(20 * MILLISECOND)
    );
  }
  return world.pass(60);
}

describe('a time series', () => {
  it('is one frame each, with the labels that were grouped by', () => {
    const { frames } = shop().ask({ by: ['namespace', 'pod'], stepMs: 60_000 });
    expect(frames[1]).toEqual({
      schema: {
        refId: 'A',
        name: 'shop checkout',
        meta: { type: 'timeseries-multi', preferredVisualisationType: 'graph' },
        fields: [
          { name: 'Time', type: 'time', config: { interval: 60_000 } },
          {
            name: 'Value',
            type: 'number',
            labels: { namespace: 'shop', pod: 'checkout' },
            config: { unit: 'reqps', min: 0, displayNameFromDS: 'shop checkout' },
          },
        ],
      },
      data: { values: [[T0 + 60_000], [23 / 60]] },
    });
  });

  it('has a readable name with labels, without, and where they are empty', () => {
    const world = shop();
    expect(namesOf(world.ask({}))).toEqual([`${HTTP} rate`]);
    expect(namesOf(world.ask({ by: ['workload'] }))).toEqual(['no workload']);
    expect(namesOf(world.ask({ by: ['pod', 'workload'] }))).toEqual(['cart', 'checkout', 'payment']);
    expect(namesOf(world.ask({ select: 'quantile', quantiles: [0.5, 0.999] }))).toEqual(['p50', 'p99.9']);
    const quantiles = world.ask({ select: 'quantile', by: ['pod'], quantiles: [0.99, 0.07, 0.99] });
    expect(namesOf(quantiles).slice(0, 2)).toEqual(['cart p7', 'cart p99']);
    expect(quantiles.frames[1].schema.fields[1].labels).toEqual({ pod: 'cart', quantile: '0.99' });
  });

  it('has the unit of what it shows', () => {
    const world = shop();
    world
      .happen(world.the(BYTES, {}), 1)
      .happen(world.the(ACTIVE, {}), 1)
      .happen(world.the('tcp_retransmits_total', {}), 1);
    world.happen(world.the(LIFETIME, {}), SECOND).pass(1);
    const unit = (metric: string, select: Parameters<World['ask']>[0]['select']) =>
      world.ask({ metric, select }).frames[0].schema.fields[1].config?.unit;
    expect(unit(HTTP, 'rate')).toBe('reqps');
    expect(unit(HTTP, 'increase')).toBe('short');
    expect(unit(HTTP, 'avg')).toBe('s');
    expect(unit(HTTP, 'quantile')).toBe('s');
    expect(unit(HTTP, 'error_ratio')).toBe('percentunit');
    expect(unit(LIFETIME, 'rate')).toBe('cps');
    expect(unit(BYTES, 'rate')).toBe('Bps');
    expect(unit(BYTES, 'increase')).toBe('bytes');
    expect(unit('tcp_retransmits_total', 'rate')).toBe('cps');
    expect(unit('tcp_retransmits_total', 'increase')).toBe('short');
    expect(unit(ACTIVE, 'value')).toBe('short');
  });

  it('keeps its points where they are while the range moves', () => {
    const world = shop().pass(40);
    world.happen(world.the(HTTP, {}), SECOND).pass(1);
    const times = (fromMs: number) => world.ask({ stepMs: 10_000 }, fromMs).frames[0].data.values[0];
    expect(times(T0 + 11_000)).toEqual(times(T0 + 19_000));
    expect(times(T0 + 20_000)).toEqual(times(T0 + 19_000).slice(1));
  });

  it.each([
    [15 * 60_000, 1_000, 1_000],
    [60 * 60_000, 1_000, 5_000],
    [3 * 3_600_000, 1_000, 15_000],
    [24 * 3_600_000, 500, 300_000],
    [3_600_000, 1, 3_600_000],
    [7 * 86_400_000, 100, 2 * 3_600_000],
  ])('of %i ms in at most %i points has steps of %i ms', (rangeMs, maxPoints, stepMs) => {
    const [frame] = shop().ask({ maxPoints }, T0 + 60_000 - rangeMs, T0 + 60_000).frames;
    expect(frame.schema.fields[0].config?.interval).toBe(stepMs);
    expect(frame.data.values[0].length).toBeLessThanOrEqual(maxPoints + 1);
  });

  it('rounds a step up to whole seconds', () => {
    const [frame] = shop().ask({ stepMs: 1_500 }).frames;
    expect(frame.schema.fields[0].config?.interval).toBe(2_000);
  });
});

describe('the top series', () => {
  it('are those with the largest value, largest first, and the rest is counted', () => {
    const answer = shop().ask({ by: ['pod'], top: 2, stepMs: 60_000 });
    expect(namesOf(answer)).toEqual(['checkout', 'payment']);
    expect(answer.notices).toEqual([
      { severity: 'info', text: 'Showing the 2 of 3 series with the largest values; 1 left out.' },
    ]);
  });

  it('are all of them without a word when there are no more', () => {
    const answer = shop().ask({ by: ['pod'], top: 3 });
    expect(answer.frames).toHaveLength(3);
    expect(answer.notices).toEqual([]);
  });
});

describe('a table', () => {
  it('has a row a series: its labels, then its value', () => {
    const answer = shop().ask({ select: 'increase', by: ['pod', 'status'], instant: true });
    expect(answer.frames[0].schema.fields).toEqual([
      { name: 'pod', type: 'string' },
      { name: 'status', type: 'string' },
      { name: 'increase', type: 'number', config: { unit: 'short', min: 0 } },
    ]);
    expect(rowsOf(answer)).toEqual([
      ['cart', '200', 5],
      ['checkout', '200', 23],
      ['payment', '200', 11],
    ]);
  });

  it('has a column a quantile', () => {
    const answer = shop().ask({ select: 'quantile', quantiles: [0.5, 0.99], instant: true });
    expect(answer.frames[0].schema.fields.map(({ name }) => name)).toEqual(['p50', 'p99']);
    const [[p50, p99]] = rowsOf(answer);
    expect(p50).toBe(p99);
  });

  it('is there, and empty, when nothing matches', () => {
    const answer = shop().ask({ by: ['pod'], where: [{ label: 'pod', op: '=', value: 'none' }], instant: true });
    expect(rowsOf(answer)).toEqual([]);
  });
});

describe('a heatmap', () => {
  it('is sparse cells, in the order the panel takes them in', () => {
    const world = new World();
    const get = world.the(HTTP, {});
    world
      .happen(get, SECOND, SECOND, 1_000 * SECOND)
      .pass(30)
      .happen(get, 0)
      .pass(10);
    const answer = world.ask({ select: 'heatmap', stepMs: 10_000, by: ['pod'] });
    expect(answer.frames).toHaveLength(1);
    const [{ schema, data }] = answer.frames;
    expect(schema.meta?.type).toBe('heatmap-cells');
    expect(schema.fields).toEqual([
      { name: 'xMax', type: 'time', config: { interval: 10_000 } },
      { name: 'yMin', type: 'number', config: { unit: 's' } },
      { name: 'yMax', type: 'number', config: { unit: 's' } },
      { name: 'count', type: 'number', config: { unit: 'short' } },
    ]);
    const root = 2 ** (1 / 8);
    const lowest = 2 ** -20;
    expect(data.values).toEqual([
      // The second column is empty: a cell of 0 says how wide the columns are.
      [T0 + 10_000, T0 + 10_000, T0 + 20_000, T0 + 40_000],
      [expect.closeTo(1 / root, 9), 64, 64, expect.closeTo(lowest / root, 12)],
      [1, 64 * root, 64 * root, lowest],
      [2, 1, 0, 1],
    ]);
    expect(answer.notices?.map(({ text }) => text)).toEqual([
      'A heatmap shows all series together; "by" (pod) was ignored. Filter to see a part.',
    ]);
  });

  it('has as many cells as there are, step by step and bucket by bucket', () => {
    const world = new World();
    const get = world.the(HTTP, {});
    const [STEPS, BUCKETS_EACH] = [100, 97];
    for (let step = 0; step < STEPS; step++) {
      // One bucket in two, and as many events as the step's number.
      for (let i = 0; i < BUCKETS_EACH; i++) {
        world.happen(get, ...Array(step + 1).fill(2 ** (i / 4 - 19.95) * SECOND));
      }
      world.pass(1);
    }
    const [{ data }] = world.ask({ select: 'heatmap', stepMs: 1_000 }).frames;
    const [times, mins, maxs, counts] = data.values as number[][];
    expect(times).toEqual(
      Array.from({ length: STEPS * BUCKETS_EACH }, (_, i) => T0 + 1_000 * (1 + Math.floor(i / BUCKETS_EACH)))
    );
    expect(mins).toEqual(Array.from({ length: STEPS }, () => mins.slice(0, BUCKETS_EACH)).flat());
    mins.slice(0, BUCKETS_EACH).forEach((min, i) => {
      expect(min).toBeLessThan(2 ** (i / 4 - 19.95));
      expect(maxs[i]).toBeGreaterThanOrEqual(2 ** (i / 4 - 19.95));
      expect(maxs[i] / min).toBeCloseTo(2 ** (1 / 8), 9);
    });
    expect(counts).toEqual(counts.map((_, i) => 1 + Math.floor(i / BUCKETS_EACH)));
  });

  it('is an empty frame when nothing happened', () => {
    const world = new World().pass(10);
    const [{ data }] = world.ask({ select: 'heatmap' }).frames;
    expect(data.values).toEqual([[], [], [], []]);
  });
});

describe('a histogram', () => {
  it('is exactly one frame of bars side by side, over the whole range', () => {
    const world = new World();
    const get = world.the(HTTP, { pod: 'a' });
    const put = world.the(HTTP, { pod: 'b' });
    world
      .happen(get, SECOND, SECOND)
      .pass(30)
      .happen(put, SECOND / 2)
      .pass(1.5)
      .happen(get, SECOND);
    const { frames } = world.ask({ select: 'histogram' });
    expect(frames).toHaveLength(1);
    const [min, max, count] = frames[0].data.values as number[][];
    expect(frames[0].schema.fields.map(({ name }) => name)).toEqual(['xMin', 'xMax', 'count']);
    // From half a second to one second: an octave, and the bucket that ends at its start.
    expect(count).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 3]);
    expect(min.slice(1)).toEqual(max.slice(0, -1));
    expect([max[0], max[8]]).toEqual([0.5, 1]);
  });

  it('is a frame for each group', () => {
    const world = new World();
    world
      .happen(world.the(HTTP, { pod: 'a' }), SECOND)
      .happen(world.the(HTTP, { pod: 'b' }), SECOND)
      .pass(1);
    const { frames } = world.ask({ select: 'histogram', by: ['pod'] });
    expect(frames.map(({ schema }) => schema.fields[2].labels)).toEqual([{ pod: 'a' }, { pod: 'b' }]);
  });

  it('is an empty frame when nothing happened', () => {
    const { frames } = new World().pass(10).ask({ select: 'histogram' });
    expect(frames.map(({ data }) => data.values)).toEqual([[[], [], []]]);
  });
});

describe('values outside the range of the buckets', () => {
  it('are reported as its bound, and said to be', () => {
    const world = new World();
    const get = world.the(HTTP, {});
    world.happen(get, 0, 100 * SECOND).pass(1);
    const answer = world.ask({ select: 'quantile', quantiles: [0.5, 1], instant: true });
    expect(rowsOf(answer)).toEqual([[2 ** -20, 64]]);
    expect(answer.notices).toEqual([
      { severity: 'warning', text: 'Some quantiles are above 64 s, the highest bound, and shown as it.' },
      { severity: 'info', text: 'Some quantiles are below 9.5367431640625e-7 s, the lowest bound, and shown as it.' },
    ]);
  });

  it('are later for lifetimes of connections', () => {
    const world = new World();
    world.happen(world.the(LIFETIME, { role: 'client' }), 3_600 * SECOND).pass(1);
    const answer = world.ask({ metric: LIFETIME, select: 'quantile', quantiles: [0.5], instant: true });
    expect(answer.notices).toEqual([]);
    expect(Number(rowsOf(answer)[0][0]) / 3_600).toBeCloseTo(1, 1);
  });
});

describe('a range', () => {
  it('before history answers what there is, and says where it starts', () => {
    const world = shop();
    const past = world.ask({}, T0 - 7_200_000, T0 - 3_600_000);
    expect(past.frames).toEqual([]);
    expect(past.notices?.[0].text).toBe(`History starts at ${new Date(T0).toISOString()}; there is nothing before.`);
  });

  it('in the future has nothing, and says so', () => {
    const world = shop();
    expect(world.ask({}, world.nowMs + 1_000, world.nowMs + 2_000)).toEqual({
      frames: [],
      notices: [{ severity: 'info', text: 'The range lies in the future.' }],
    });
  });

  it('of an agent that has only just started has the first moments', () => {
    const world = new World();
    world.happen(world.the(HTTP, {}), SECOND);
    world.nowMs += 500;
    expect(rowsOf(world.ask({ select: 'increase', instant: true }, T0 - 1_000))).toEqual([[1]]);
    expect(rowsOf(world.ask({ select: 'rate', instant: true }, T0 - 1_000))).toEqual([[2]]);
  });
});
