import {
  FAILURE_REASONS,
  LABELS,
  METRICS,
  OWN_LABELS,
  SELECTS,
  TARGET_LABELS,
  isErrorStatus,
  labelsOf,
} from '../../wire/metrics';
import { LIMITS } from '../../wire/limits';

describe('the catalogue', () => {
  it('has no name twice', () => {
    const names = METRICS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(new Set(LABELS).size).toBe(LABELS.length);
  });

  it.each(METRICS.map((metric) => [metric.name, metric] as const))(
    '%s is named as Prometheus and OpenTelemetry would',
    (name, metric) => {
      expect(name).toMatch(/^(http|tcp)(_[a-z]+)+$/);
      expect(name.length).toBeLessThanOrEqual(LIMITS.nameLength);
      expect(metric.help).toMatch(/^[A-Z].*\.$/);
      expect(name.endsWith('_total')).toBe(metric.kind === 'counter');
      expect(name.endsWith('_seconds')).toBe(metric.kind === 'histogram');
      expect(metric.unit === 'seconds').toBe(metric.kind === 'histogram');
    }
  );

  it.each(METRICS.map((metric) => [metric.name, metric] as const))(
    '%s can be asked what its kind can answer',
    (_name, { kind, labels, selects }) => {
      expect(selects.length).toBeGreaterThan(0);
      expect(SELECTS).toEqual(expect.arrayContaining([...selects]));
      expect(selects.includes('quantile')).toBe(kind === 'histogram');
      expect(selects.includes('rate')).toBe(kind !== 'gauge');
      expect(selects.includes('value')).toBe(kind === 'gauge');
      expect(selects.includes('error_ratio') && !labels.includes('status')).toBe(false);
    }
  );

  it('gives every metric the target labels and its own', () => {
    for (const metric of METRICS) {
      const labels = labelsOf(metric);
      expect(labels).toEqual(expect.arrayContaining([...TARGET_LABELS]));
      expect(new Set(labels).size).toBe(labels.length);
      expect(OWN_LABELS).toEqual(expect.arrayContaining([...metric.labels]));
    }
  });

  it('has a use for every label and every question', () => {
    expect(new Set(METRICS.flatMap(labelsOf))).toEqual(new Set(LABELS));
    expect(new Set(METRICS.flatMap(({ selects }) => selects))).toEqual(new Set(SELECTS));
  });

  it('knows every reason of failure once', () => {
    expect(new Set(FAILURE_REASONS).size).toBe(FAILURE_REASONS.length);
  });
});

describe('an error', () => {
  it.each(['500', '502', '599', 'none'])('is a status of %s', (status) => expect(isErrorStatus(status)).toBe(true));
  it.each(['200', '302', '404', '499', '5', '50', '5000', '', 'None', 'other'])('is not a status of %p', (status) =>
    expect(isErrorStatus(status)).toBe(false)
  );
});
