/**
 * An agent with a minute of history, in a process of its own: the real HTTP interface, queries and history, fed with
 * traffic that the tests know. Prints its address, ends with its parent.
 *
 * Every second of the last minute: the shop, a pod, answered 20 requests in 10 ms and one with a 500 in 200 ms, the
 * billing, a service outside Kubernetes, answered 3 in 80 ms, 2 connections of the shop were refused and one timed out,
 * and 5 were open.
 */
import { writeFileSync } from 'node:fs';
import { History } from '../../../agent/history/history';
import { SeriesTable } from '../../../agent/history/series';
import { TokenFile } from '../../../agent/http/token';
import { EventSource, startAgent } from '../../agent/http/agent';

const SECONDS = 60;
const HTTP = 'http_server_request_duration_seconds';
const MS = 1e6;
const SHOP = { namespace: 'prod', workload: 'shop', pod: 'shop-7d9f6c-x2x4z', container: 'web', cgroup: '/shop' };
const BILLING = { workload: 'billing', cgroup: '/billing' };

async function main(tokenPath?: string): Promise<void> {
  const series = new SeriesTable();
  const history = new History({ bytes: 2 ** 20, series });
  const events = new EventSource(series);
  const nowMs = Math.floor(Date.now() / 1000) * 1000;
  history.begin(nowMs - SECONDS * 1000);
  for (let second = SECONDS - 1; second >= 0; second--) {
    events.observe(HTTP, { ...SHOP, method: 'GET', status: '200' }, 10 * MS, 20);
    events.observe(HTTP, { ...SHOP, method: 'POST', status: '500' }, 200 * MS);
    events.observe(HTTP, { ...BILLING, method: 'GET', status: '200' }, 80 * MS, 3);
    events.count('tcp_connections_failed_total', { ...SHOP, role: 'client', reason: 'refused' }, 2);
    events.count('tcp_connections_failed_total', { ...SHOP, role: 'client', reason: 'timeout' }, 1);
    events.level('tcp_connections_active', { ...SHOP, role: 'server' }, 5);
    history.record(nowMs - second * 1000, (into) => events.tick(into));
  }
  if (tokenPath) {
    writeFileSync(tokenPath, 'correct-horse\n');
  }
  const { app } = await startAgent({
    history,
    series,
    collector: events,
    bootEpochMs: nowMs - SECONDS * 1000,
    access: { clientCertificates: false, ...(tokenPath && { token: new TokenFile(tokenPath) }) },
  });
  const address = await app.listen({ host: '127.0.0.1', port: 0 });
  process.stdout.write(JSON.stringify({ address, nowMs }) + '\n');
  process.stdin.on('end', () => process.exit(0)).resume();
}

void main(process.argv[2]);
