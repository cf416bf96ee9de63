import { execFileSync } from 'node:child_process';
import { classicBounds } from '../../../agent/http/exposition/buckets';
import { negotiate, OPEN_METRICS, TEXT } from '../../../agent/http/exposition/format';
import { LATENCY_MIN_EXPONENT, LIFETIME_MIN_EXPONENT } from '../../../wire/exponents';
import { BUCKETS, upperBoundSeconds } from '../../../wire/histogram';
import { METRICS } from '../../../wire/metrics';
import { REQUESTS, startAgent, type TestAgent } from './agent';

const HOSTILE = 'a"b\\c\nd\re\0{}=,# HELP ☃\u2028';
const OPEN_METRICS_ACCEPT = 'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1';

let agent: TestAgent;

beforeEach(async () => {
  agent = await startAgent();
});
afterEach(() => agent.app.close());

async function scrape(accept?: string): Promise<{ type: string; text: string }> {
  const response = await agent.app.inject({ url: '/metrics', headers: accept ? { accept } : {} });
  expect(response.statusCode).toBe(200);
  return { type: String(response.headers['content-type']), text: response.body };
}

/** The value of the sample whose line begins like this. */
function valueOf(text: string, start: string): number {
  const lines = text.split('\n').filter((line) => line.startsWith(start));
  expect(lines).toHaveLength(1);
  return Number(lines[0].slice(lines[0].lastIndexOf(' ') + 1));
}

function observeOneOfEach(): void {
  for (const { name, kind } of METRICS) {
    if (kind === 'histogram') {
      agent.events.observe(name, { cgroup: HOSTILE, method: 'GET', status: '200' }, 1e9, 2);
    } else if (kind === 'counter') {
      agent.events.count(name, { cgroup: HOSTILE, role: 'server' }, 23);
    } else {
      agent.events.level(name, { cgroup: HOSTILE, role: 'server' }, 5);
    }
  }
}

describe('GET /metrics', () => {
  it('pleases promtool, with and without series', async () => {
    const check = (text: string) => execFileSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    expect(check((await scrape()).text)).toBe('');
    observeOneOfEach();
    expect(check((await scrape()).text)).toBe('');
  });

  it('carries the totals since boot, exactly, whatever was read since', async () => {
    const labels = { method: 'GET', status: '200', workload: 'shop' };
    agent.events.observe(REQUESTS, labels, 100_000, 5); // 0.1 ms
    agent.tick();
    agent.events.observe(REQUESTS, labels, 1_000_000_000, 3); // 1 s, a bound itself
    agent.events.observe(REQUESTS, labels, 100_000_000_000, 1); // 100 s, above every bound
    const { text, type } = await scrape();
    expect(type).toBe('text/plain; version=0.0.4; charset=utf-8');
    const series = 'node="test-node",workload="shop",method="GET",status="200"';
    const bucket = (le: string) => valueOf(text, `${REQUESTS}_bucket{${series},le="${le}"} `);
    expect(bucket('0.00006103515625')).toBe(0);
    expect(bucket('0.0001220703125')).toBe(5);
    expect(bucket('0.5')).toBe(5);
    expect(bucket('1')).toBe(8);
    expect(bucket('32')).toBe(8);
    expect(bucket('+Inf')).toBe(9);
    expect(valueOf(text, `${REQUESTS}_count{${series}} `)).toBe(9);
    expect(valueOf(text, `${REQUESTS}_sum{${series}} `)).toBeCloseTo(103.0005, 9);
  });

  it('carries counters and gauges as they are', async () => {
    agent.events.count('tcp_bytes_total', { role: 'client', direction: 'sent' }, 123_456_789_012_345);
    agent.events.level('tcp_connections_active', { role: 'server' }, 5);
    const { text } = await scrape();
    expect(valueOf(text, 'tcp_bytes_total{node="test-node",role="client",direction="sent"} ')).toBe(
      123_456_789_012_345
    );
    expect(valueOf(text, 'tcp_connections_active{node="test-node",role="server"} ')).toBe(5);
  });

  it('says of the agent what it lost, what it costs and how much it can hold', async () => {
    const { text } = await scrape();
    expect(valueOf(text, 'ringside_build_info{version="1.2.3",node="test-node",kernel="6.1.0-test"} ')).toBe(1);
    expect(valueOf(text, 'ringside_kernel_events_total{program="http",outcome="seen"} ')).toBe(31);
    expect(valueOf(text, 'ringside_kernel_events_in_flight{program="http"} ')).toBe(3);
    expect(valueOf(text, 'ringside_series_used{program="http"} ')).toBe(2);
    expect(valueOf(text, 'ringside_series_limit{program="http"} ')).toBe(100);
    expect(valueOf(text, 'ringside_program_running{program="tcp_state",attach="tp_btf/inet_sock_set_state"} ')).toBe(0);
    expect(valueOf(text, 'ringside_program_runs_total{program="http_ingress"} ')).toBe(23);
    expect(valueOf(text, 'ringside_program_run_seconds_total{program="http_ingress"} ')).toBeCloseTo(2.3e-6, 12);
    expect(valueOf(text, 'ringside_tick_duration_seconds_sum ')).toBe(0.5);
    expect(valueOf(text, 'ringside_tick_duration_seconds_count ')).toBe(7);
    expect(valueOf(text, 'ringside_ready ')).toBe(1);
    expect(valueOf(text, 'ringside_cgroups{state="measured"} ')).toBe(5);
    expect(valueOf(text, 'ringside_cgroups{state="excluded"} ')).toBe(2);
    expect(valueOf(text, 'ringside_pods{state="named"} ')).toBe(3);
    expect(valueOf(text, 'ringside_pods{state="unnamed"} ')).toBe(1);
    expect(valueOf(text, 'ringside_identity_source_ready{source="kubernetes"} ')).toBe(0);
    expect(text).not.toContain('ringside_identity_source_ready{source="docker"}');
    expect(valueOf(text, 'process_resident_memory_bytes ')).toBeGreaterThan(1e6);
  });

  it('tells series of one owner that are told twice as one, and hidden ones not at all', async () => {
    const target = { labels: { node: 'n', cgroup: '/twice' }, hidden: false };
    const hidden = { labels: { node: 'n', cgroup: '/hidden' }, hidden: true };
    const metric = METRICS.find(({ name }) => name === 'tcp_retransmits_total')!;
    const ids = [target, hidden].map((each) => agent.context.series.intern(metric, each, { role: 'server' }).id);
    const { totals } = agent.events;
    jest.spyOn(agent.events, 'totals').mockImplementation((into) => {
      totals.call(agent.events, into);
      ids.forEach((id) => [20, 3].forEach((increase) => into.counter(id, increase)));
    });
    const { text } = await scrape();
    expect(valueOf(text, 'tcp_retransmits_total{node="n",cgroup="/twice",role="server"} ')).toBe(23);
    expect(text).not.toContain('/hidden');
  });

  it('keeps a hostile label on its line', async () => {
    agent.events.count('tcp_retransmits_total', { cgroup: HOSTILE, role: 'server' }, 23);
    const { text } = await scrape();
    const expected = 'cgroup="a\\"b\\\\c\\nd\re\0{}=,# HELP ☃\u2028"';
    expect(valueOf(text, `tcp_retransmits_total{node="test-node",${expected},role="server"} `)).toBe(23);
  });

  it('names every metric of the catalogue, also without a series', async () => {
    const { text } = await scrape();
    for (const { name, kind, help } of METRICS) {
      expect(text).toContain(`# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n`);
    }
  });

  it('speaks OpenMetrics to those who ask for it', async () => {
    observeOneOfEach();
    const { text, type } = await scrape(OPEN_METRICS_ACCEPT);
    expect(type).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    expect(text.endsWith('\n# EOF\n')).toBe(true);
    expect(text).toContain('# TYPE tcp_bytes counter\n# UNIT tcp_bytes bytes\n');
    expect(text).toContain('# TYPE ringside_build info\n');
    expect(text).toContain('le="1.0"} 2\n');
    expect(text).not.toContain('le="1"');
    const families = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    expect(new Set(families).size).toBe(families.length);
    for (const [, name, unit] of text.matchAll(/^# UNIT (\S+) (\S+)$/gm)) {
      expect(name.endsWith(`_${unit}`)).toBe(true);
    }
  });

  it('streams more series than fit one piece', async () => {
    for (let i = 0; i < 1_000; i++) {
      agent.events.observe(REQUESTS, { method: 'GET', status: '200', pod: `pod-${i}` }, 1e6, i + 1);
    }
    const { text } = await scrape();
    expect(text.match(new RegExp(`^${REQUESTS}_count`, 'gm'))).toHaveLength(1_000);
    expect(valueOf(text, `${REQUESTS}_count{node="test-node",pod="pod-999",`)).toBe(1_000);
  });
});

describe('negotiate', () => {
  it.each([
    [undefined, TEXT],
    ['*/*', TEXT],
    ['text/html,application/xhtml+xml,*/*;q=0.8', TEXT],
    ['application/json', TEXT],
    [';;,q=', TEXT],
    ['application/openmetrics-text', OPEN_METRICS],
    [OPEN_METRICS_ACCEPT, OPEN_METRICS],
    ['text/plain;q=0.9,application/openmetrics-text;q=0.5', TEXT],
    ['application/openmetrics-text;q=0', TEXT],
  ])('%s', (accept, format) => {
    expect(negotiate(accept)).toBe(format);
  });
});

describe('classic buckets', () => {
  it.each([LATENCY_MIN_EXPONENT, LIFETIME_MIN_EXPONENT])(
    'from 2^%d s: none holds an event above its bound',
    (minExponent) => {
      const { seconds, ofBucket } = classicBounds(minExponent);
      for (let bucket = 0; bucket < BUCKETS; bucket++) {
        const upper = upperBoundSeconds(bucket, minExponent);
        const classic = ofBucket(bucket);
        expect(upper).toBeLessThanOrEqual(seconds[classic] ?? Infinity);
        if (classic > 0) {
          expect(upper).toBeGreaterThan(seconds[classic - 1]);
        }
      }
      expect([...seconds]).toEqual([...seconds].sort((a, b) => a - b));
      expect(seconds.every((bound) => Number.isInteger(Math.log2(bound)))).toBe(true);
    }
  );
});
