import { SeriesTable, type Labels, type Target } from '../../../agent/history/series';
import { METRICS } from '../../../wire/metrics';
import fc from '../../support/properties';

const TARGETS: Target[] = ['a', 'b', 'c'].map((pod) => ({ labels: { pod }, hidden: false }));
const OWNS: Labels[] = [{}, { method: 'GET', status: '200' }, { method: 'GET', status: '404' }, { role: 'client' }];

it('knows a series by its labels, in whatever order they are given', () => {
  const table = new SeriesTable();
  const [target] = TARGETS;
  const first = table.intern(METRICS[0], target, { method: 'GET', status: '200' });
  expect(table.intern(METRICS[0], target, { status: '200', method: 'GET', role: undefined })).toEqual(first);
  expect(table.intern(METRICS[1], target, { method: 'GET', status: '200' }).id).not.toBe(first.id);
  expect(table.get(first.id)?.target).toBe(target);
  expect(table.get(-1)).toBeUndefined();
  expect(table.get(23)).toBeUndefined();
  expect(table.isLive(23)).toBe(false);
});

it('shows no series of a hidden owner, and keeps it', () => {
  const table = new SeriesTable();
  const target = { labels: {}, hidden: false };
  const { id } = table.intern(METRICS[0], target);
  expect([...table]).toHaveLength(1);
  target.hidden = true;
  expect([...table]).toHaveLength(0);
  expect(table.get(id)).toBeDefined();
  expect(table.size).toBe(1);
});

/** The same with an object a series. */
interface Known {
  key: string;
  users: number;
  remembered: boolean;
}

it('says the same as a list of objects would, whatever happens in which order, and with too little memory', () => {
  const action = fc.record({
    do: fc.constantFrom('intern' as const, 'release' as const, 'remember' as const, 'forget' as const),
    metric: fc.nat(2),
    target: fc.nat(TARGETS.length - 1),
    own: fc.nat(OWNS.length - 1),
    id: fc.nat(40),
  });
  fc.assert(
    fc.property(fc.array(action, { maxLength: 300 }), (actions) => {
      const table = new SeriesTable({ capacity: 1 });
      const known = new Map<number, Known>();
      for (const each of actions) {
        const entry = known.get(each.id);
        if (each.do === 'intern') {
          const key = `${each.metric} ${each.target} ${each.own}`;
          const { id, ...rest } = table.intern(METRICS[each.metric], TARGETS[each.target], { ...OWNS[each.own] });
          expect(rest).toEqual({ metric: METRICS[each.metric], target: TARGETS[each.target], own: OWNS[each.own] });
          const same = known.get(id) ?? { key, users: 0, remembered: false };
          expect(same.key).toBe(key);
          same.users++;
          known.set(id, same);
        } else {
          table[each.do](each.id);
          if (entry && each.do === 'release') {
            entry.users = Math.max(0, entry.users - 1);
          } else if (entry) {
            entry.remembered = each.do === 'remember';
          }
          if (entry?.users === 0 && !entry.remembered) {
            known.delete(each.id);
          }
        }
        expect(new Set([...known.values()].map(({ key }) => key)).size).toBe(known.size);
        expect(table.size).toBe(known.size);
      }
      const ids = [...table].map(({ id }) => id);
      expect(ids).toEqual([...known.keys()].sort((a, b) => a - b));
      for (const [id, { key, users }] of known) {
        const series = table.get(id)!;
        const place = [METRICS.indexOf(series.metric), TARGETS.indexOf(series.target)];
        expect(
          `${place.join(' ')} ${OWNS.findIndex((own) => JSON.stringify(own) === JSON.stringify(series.own))}`
        ).toBe(key);
        expect(table.isLive(id)).toBe(users > 0);
      }
      expect(table.capacity).toBeLessThanOrEqual(3 * TARGETS.length * OWNS.length);
    })
  );
});
