/** A storm of connections that live for one request each, by a client that counts what became of them. */
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { Build } from './build';
import type { Cgroup } from './cgroup';

export interface Storm {
  answered: number;
  sentBytes: number;
  receivedBytes: number;
  milliseconds: number;
}

/**
 * @param port where something answers `GET /status/200` and closes
 * @throws when one of the connections failed: what it saw is no measure then
 */
export async function shortConnections(
  build: Build,
  cgroup: Cgroup,
  { port, count, atOnce }: { port: number; count: number; atOnce: number }
): Promise<Storm> {
  const program = build.host('test/kernel/fixtures/short_connections.c');
  const child = cgroup.spawn(program, [port, count, atOnce].map(String), { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said, [code]] = await Promise.all([text(child.stdout!), once(child, 'exit')]);
  if (code !== 0) {
    throw new Error(`Not all of ${count} connections came to a good end (${code}): ${said}`);
  }
  const [answered, sentBytes, receivedBytes, milliseconds] = said.trim().split(' ').map(Number);
  return { answered, sentBytes, receivedBytes, milliseconds };
}
