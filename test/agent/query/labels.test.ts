import { answerLabelValues, type LabelQuery } from '../../../agent/query/labels';
import { isWireError } from '../../../wire/errors';
import { BYTES, HTTP, MILLISECOND, T0, World } from './world';

const HOUR = 3_600_000;

function node(): World {
  const world = new World();
  world.happen(world.the(HTTP, { pod: 'web-1', status: '200' }), MILLISECOND);
  world.happen(world.the(HTTP, { pod: 'web-2', status: '404' }), MILLISECOND);
  world.happen(world.the(BYTES, { pod: 'db-1', direction: 'sent' }), 1);
  const gone = world.the(HTTP, { pod: 'gone', status: '500' });
  world.happen(gone, MILLISECOND).pass(60);
  world.series.release(gone.id);
  return world.pass(3600);
}

const valuesOf = (world: World, query: Partial<LabelQuery>) =>
  answerLabelValues({ label: 'pod', from: world.nowMs - 300_000, to: world.nowMs, ...query }, world.context);

describe('values of a label', () => {
  it('are those of the series that are measured or were seen in the range, sorted', () => {
    const world = node();
    expect(valuesOf(world, {})).toEqual({ label: 'pod', values: ['db-1', 'web-1', 'web-2'], truncated: false });
    expect(valuesOf(world, { from: T0 }).values).toEqual(['db-1', 'gone', 'web-1', 'web-2']);
    expect(valuesOf(world, { from: T0, to: T0 + 60_000 }).values).toEqual(['db-1', 'gone', 'web-1', 'web-2']);
    expect(valuesOf(world, { from: T0 - HOUR, to: T0 - HOUR / 2 }).values).toEqual([]);
  });

  it('can be those of one metric, and of series that match', () => {
    const world = node();
    expect(valuesOf(world, { metric: HTTP }).values).toEqual(['web-1', 'web-2']);
    expect(valuesOf(world, { where: [{ label: 'pod', op: '=~', value: '.*-1' }] }).values).toEqual(['db-1', 'web-1']);
    expect(valuesOf(world, { label: 'status', from: T0 }).values).toEqual(['200', '404', '500']);
    expect(valuesOf(world, { where: [{ label: 'status', op: '!~', value: '2..' }] }).values).toEqual(['web-2']);
  });

  it('are cut off where there are too many, and that is said', () => {
    const world = node();
    expect(valuesOf(world, { limit: 2 })).toEqual({ label: 'pod', values: ['db-1', 'web-1'], truncated: true });
  });

  it('include those of what has happened since the last tick', () => {
    const world = node();
    world.nowMs += 300;
    world.happen(world.the(HTTP, { pod: 'web-3' }), MILLISECOND);
    expect(valuesOf(world, {}).values).toContain('web-3');
  });

  it.each([
    [{ label: 'pods' }, 'unknown_label', 'label', 'pod'],
    [{ label: 'status', metric: BYTES }, 'unknown_label', 'label', undefined],
    [{ metric: 'tcp_byte_total' }, 'unknown_metric', 'metric', 'tcp_bytes_total'],
    [{ where: [{ label: 'namspace', op: '=', value: '' }] }, 'unknown_label', 'match[0].label', 'namespace'],
    [{ where: [{ label: 'pod', op: '=~', value: '[' }] }, 'invalid_regex', 'match[0].value', undefined],
    [{ label: 'direction', where: [{ label: 'status', op: '=', value: '200' }] }, 'unknown_label', 'match', undefined],
  ] as Array<[Partial<LabelQuery>, string, string, string | undefined]>)('refuse %j', (query, code, field, nearest) => {
    const world = node();
    try {
      valuesOf(world, query);
      throw new Error('accepted');
    } catch (error) {
      expect(isWireError(error) ? { code: error.code, ...error.details } : error).toMatchObject({ code, field });
      expect(isWireError(error) && error.details?.nearest).toBe(nearest);
    }
  });
});
