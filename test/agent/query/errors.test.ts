import { planQuery } from '../../../agent/query/plan';
import { isWireError, type ErrorBody } from '../../../wire/errors';
import { LIMITS, type Query } from '../../../wire/query';
import { ACTIVE, BYTES, HTTP, MILLISECOND, T0, World } from './world';

const world = new World();
world.happen(world.the(HTTP, { pod: 'web-1', method: 'GET', status: '200' }), MILLISECOND).pass(60);

function errorOf(query: Partial<Query>, from?: number, to?: number): ErrorBody {
  const { error, frames } = world.tryAsk(query, from, to);
  expect(frames).toEqual([]);
  // One sentence, for a person.
  expect(error?.message).toMatch(/^(The|There|A|An|Steps|"|http_|tcp_).*[^ ][.?]$/);
  return error as ErrorBody;
}

describe('what is wrong with a query', () => {
  it.each<[string, Partial<Query>, Partial<ErrorBody>]>([
    [
      'a metric with a typo',
      { metric: 'http_server_requst_duration_seconds' },
      {
        code: 'unknown_metric',
        details: { field: 'queries[0].metric', received: 'http_server_requst_duration_seconds', nearest: HTTP },
      },
    ],
    [
      'half a metric',
      { metric: 'retransmits' },
      {
        code: 'unknown_metric',
        details: { field: 'queries[0].metric', received: 'retransmits', nearest: 'tcp_retransmits_total' },
      },
    ],
    [
      'no metric at all',
      { metric: '' },
      { code: 'unknown_metric', details: { field: 'queries[0].metric', received: '' } },
    ],
    [
      'a label with a typo',
      { by: ['namespace', 'pods'] },
      { code: 'unknown_label', details: { field: 'queries[0].by[1]', received: 'pods', nearest: 'pod' } },
    ],
    [
      'a label of another metric',
      { metric: BYTES, by: ['status'] },
      { code: 'unknown_label', details: { field: 'queries[0].by[0]', received: 'status' } },
    ],
    [
      'a filter by a label with a typo',
      {
        where: [
          { label: 'pod', op: '=', value: 'a' },
          { label: 'Methd', op: '=', value: 'GET' },
        ],
      },
      { code: 'unknown_label', details: { field: 'queries[0].where[1].label', received: 'Methd', nearest: 'method' } },
    ],
    [
      'a label that is a property of every object',
      { by: ['constructor'] },
      { code: 'unknown_label', details: { field: 'queries[0].by[0]', received: 'constructor' } },
    ],
    [
      'a quantile of a counter',
      { metric: BYTES, select: 'quantile' },
      {
        code: 'unsupported_select',
        details: { field: 'queries[0].select', received: 'quantile', allowed: ['rate', 'increase'] },
      },
    ],
    [
      'a rate of a gauge',
      { metric: ACTIVE, select: 'rate' },
      {
        code: 'unsupported_select',
        details: { field: 'queries[0].select', received: 'rate', allowed: ['value', 'avg'] },
      },
    ],
    [
      'an error ratio of handshakes',
      { metric: 'tcp_connect_duration_seconds', select: 'error_ratio' },
      { code: 'unsupported_select', details: { field: 'queries[0].select', received: 'error_ratio' } },
    ],
    [
      'an error ratio by status',
      { select: 'error_ratio', by: ['pod', 'status'] },
      { code: 'invalid_field', details: { field: 'queries[0].by[1]', received: 'status' } },
    ],
    [
      'a pattern that is none',
      { where: [{ label: 'pod', op: '=~', value: 'web-(' }] },
      { code: 'invalid_regex', details: { field: 'queries[0].where[0].value', received: 'web-(' } },
    ],
    [
      'a pattern of Perl',
      { where: [{ label: 'pod', op: '!~', value: '(?=web)' }] },
      { code: 'invalid_regex', details: { field: 'queries[0].where[0].value', received: '(?=web)' } },
    ],
    [
      'too long a pattern',
      { where: [{ label: 'pod', op: '=~', value: 'a'.repeat(LIMITS.patternLength + 1) }] },
      { code: 'invalid_regex', details: { field: 'queries[0].where[0].value', limit: LIMITS.patternLength } },
    ],
    [
      'a percentage as quantile',
      { select: 'quantile', quantiles: [0.5, 99] },
      { code: 'invalid_field', details: { field: 'queries[0].quantiles[1]', received: 99 } },
    ],
    [
      'no rank at all',
      { select: 'quantile', quantiles: [NaN] },
      { code: 'invalid_field', details: { field: 'queries[0].quantiles[0]', received: NaN } },
    ],
    [
      'too many quantiles',
      { select: 'quantile', quantiles: Array.from({ length: LIMITS.quantiles + 1 }, (_, i) => i / 100) },
      { code: 'invalid_field', details: { field: 'queries[0].quantiles', received: 21, limit: LIMITS.quantiles } },
    ],
    [
      'the top none',
      { top: 0 },
      { code: 'invalid_field', details: { field: 'queries[0].top', received: 0, limit: LIMITS.top } },
    ],
    ['half a series', { top: 1.5 }, { code: 'invalid_field', details: { field: 'queries[0].top', received: 1.5 } }],
    [
      'no points',
      { maxPoints: 0 },
      { code: 'invalid_field', details: { field: 'queries[0].maxPoints', received: 0, limit: 11_000 } },
    ],
    [
      'a step of nothing',
      { stepMs: 0 },
      { code: 'invalid_field', details: { field: 'queries[0].stepMs', received: 0 } },
    ],
  ])('%s', (_name, query, expected) => {
    expect(errorOf(query)).toMatchObject(expected);
  });

  it('says what was wrong, what was received and what to do', () => {
    expect(errorOf({ metric: 'tcp_retransmit_total' }).message).toBe(
      'There is no metric "tcp_retransmit_total"; did you mean "tcp_retransmits_total"?'
    );
    expect(errorOf({ metric: BYTES, select: 'quantile' }).message).toBe(
      'tcp_bytes_total is a counter and cannot be asked for "quantile"; ask for rate, increase.'
    );
    expect(errorOf({ select: 'quantile', quantiles: [99] }).message).toBe(
      'A quantile is a number from 0 to 1, got 99; p99 is 0.99.'
    );
  });

  it('names the limit of points and a step that fits', () => {
    const day = 86_400_000;
    const error = errorOf({ stepMs: 1_000 }, T0, T0 + 60_000 - day);
    expect(error.code).toBe('invalid_range');
    const tooMany = errorOf({ stepMs: 1_000 }, T0 - day, T0 + 60_000);
    expect(tooMany).toMatchObject({
      code: 'too_many_points',
      details: { field: 'queries[0].stepMs', received: 1_000, limit: LIMITS.points },
    });
    expect(tooMany.message).toContain('86460 points');
    const fits = Number(/"stepMs" of (\d+) fits/.exec(tooMany.message)?.[1]);
    expect(world.tryAsk({ stepMs: fits }, T0 - day, T0 + 60_000).error).toBeUndefined();
  });

  it('names another query of the batch by its place', () => {
    try {
      planQuery({ refId: 'B', metric: HTTP, select: 'rate', by: ['podd'] }, 'queries[4]');
      throw new Error('accepted');
    } catch (error) {
      expect(isWireError(error) && error.details?.field).toBe('queries[4].by[0]');
    }
  });

  it('refuses more series than an answer may hold', () => {
    const crowd = new World();
    for (let i = 0; i <= LIMITS.series; i++) {
      crowd.happen(crowd.the(BYTES, { cgroup: `/${i}` }), 1);
    }
    crowd.pass(1);
    expect(crowd.tryAsk({ metric: BYTES, by: ['cgroup'], select: 'increase' }).error).toMatchObject({
      code: 'too_many_series',
      details: { field: 'queries[0].by', received: ['cgroup'], limit: LIMITS.series },
    });
    expect(crowd.tryAsk({ metric: BYTES, select: 'increase' }).error).toBeUndefined();
  });

  it('refuses more values than the agent has room for', () => {
    const crowd = new World();
    for (let i = 0; i < 200; i++) {
      crowd.happen(crowd.the(BYTES, { cgroup: `/${i}` }), 1);
    }
    crowd.pass(1);
    const query: Partial<Query> = { metric: BYTES, by: ['cgroup'], select: 'increase', stepMs: 1_000 };
    expect(crowd.tryAsk(query, T0 - 10_000_000).error).toMatchObject({
      code: 'too_many_points',
      details: { field: 'queries[0].stepMs', received: 1_000, limit: 1_000_000 },
    });
    // Lines of those that are measured and did nothing lately are lines, too.
    crowd.pass(60);
    for (const by of [['cgroup'], []] as const) {
      const { error, frames } = crowd.tryAsk({ ...query, by: [...by] }, crowd.nowMs - 30_000, crowd.nowMs + 1);
      expect([error, frames.length]).toEqual([undefined, by.length === 0 ? 1 : 200]);
    }
    const quiet = new World({ startMs: T0 + 1_000_000 });
    for (let i = 0; i < 400; i++) {
      quiet.the(BYTES, { cgroup: `/${i}` });
    }
    quiet.pass(3_500);
    expect(quiet.tryAsk(query, quiet.nowMs - 3_000_000, quiet.nowMs + 1).error).toMatchObject({
      code: 'too_many_points',
    });
  });
});

describe('patterns', () => {
  const match = (op: '=~' | '!~', value: string) =>
    world.tryAsk({ by: ['pod'], where: [{ label: 'pod', op, value }] }).frames.length;

  it('are anchored at both ends', () => {
    expect(match('=~', 'web')).toBe(0);
    expect(match('=~', 'web.*')).toBe(1);
    expect(match('=~', 'a|web-[0-9]')).toBe(1);
    expect(match('!~', 'eb-1')).toBe(1);
    expect(match('!~', 'web-1')).toBe(0);
  });

  it('see an absent label as empty', () => {
    const empty = (op: '=' | '!=' | '=~', value: string) =>
      world.tryAsk({ where: [{ label: 'namespace', op, value }] }).frames.length;
    expect(empty('=', '')).toBe(1);
    expect(empty('!=', '')).toBe(0);
    expect(empty('=~', '.+')).toBe(0);
    expect(empty('=~', '.*')).toBe(1);
  });

  it.each([
    ['(a*)*b', 200],
    ['(a|aa)+$', 200],
    ['((((.*)*)*)*)*x', 200],
    [`${'(?:.{90})'.repeat(100)}`, 200],
    ['(?i)[a-z\\p{L}]{900}'.repeat(40), 200],
    ['(((a{30}){30}){30}){30}', 200],
    ['(x+x+)+y', 4_000],
    [`${'.*'.repeat(400)}z`, 4_000],
  ])('cannot hold up the agent: %s', (pattern, length) => {
    const crowd = new World();
    for (let i = 0; i < 1_000; i++) {
      crowd.happen(crowd.the(BYTES, { cgroup: `/${i}/`.padEnd(length, 'a') }), 1);
    }
    crowd.pass(1);
    const startedMs = performance.now();
    const { error } = crowd.tryAsk({ metric: BYTES, where: [{ label: 'cgroup', op: '=~', value: pattern }] });
    expect(performance.now() - startedMs).toBeLessThan(3_000);
    if (error) {
      expect(error).toMatchObject({ code: 'invalid_regex', details: { field: 'queries[0].where[0].value' } });
    }
  });

  it('that people write are fast enough for thousands of values', () => {
    const crowd = new World();
    for (let i = 0; i < 4_000; i++) {
      crowd.the(BYTES, {
        cgroup: `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${i}.slice/cri-containerd-${i}.scope`,
      });
    }
    crowd.pass(1);
    const where = [{ label: 'cgroup', op: '=~', value: '/kubepods\\.slice/.*pod(1|2|3)[0-9]*\\.slice/.*' } as const];
    const answer = crowd.tryAsk({ metric: BYTES, by: ['cgroup'], where });
    expect(answer.error).toBeUndefined();
    expect(answer.frames.length).toBe(3 + 30 + 300 + 3_000);
  });
});
