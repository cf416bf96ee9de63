import type { TestDataSourceResponse } from '@grafana/data';
import type { Status } from '../wire/status';
import { WIRE_VERSION } from '../wire/version';
import { describeDurationMs } from './duration';
import { describeMissingNames, describeOwners } from './identity';

/** What "Save & test" says about whatever answered `GET /api/v1/status`. */
export function describeHealth(status: unknown): TestDataSourceResponse {
  if (!isStatus(status)) {
    return failed('Something answers at this URL, but it is not a Ringside agent. Check host, port and path.');
  }
  if (status.wire !== WIRE_VERSION) {
    const older = status.wire < WIRE_VERSION ? 'agent' : 'plugin';
    return failed(
      `This plugin speaks version ${WIRE_VERSION} of Ringside’s API and agent ${status.version} speaks ${status.wire}. Update the ${older}.`
    );
  }
  const sentence = [
    `Ringside agent ${status.version} on ${status.node}`,
    `kernel ${status.kernel}`,
    nodesOf(status),
    ...describeOwners(status),
    historyOf(status),
  ].join(', ');
  return { status: 'success', message: [`${sentence}.`, ...describeMissingNames(status), ...status.notices].join(' ') };
}

export function failed(message: string): TestDataSourceResponse {
  return { status: 'error', message };
}

function nodesOf({ nodes }: Status): string {
  const total = Math.max(1, nodes.length);
  const answering = nodes.filter(({ state }) => state === 'ok').length;
  const count = total === 1 ? '1 node' : `${total} nodes`;
  return nodes.length > 0 && answering < total ? `${answering} of ${count} answering` : count;
}

function historyOf({ history, nowMs }: Status): string {
  const starts = history.tiers.flatMap(({ startMs }) => startMs ?? []);
  return starts.length === 0
    ? 'history has just begun'
    : `history reaches back ${describeDurationMs(nowMs - Math.min(...starts))}`;
}

function isStatus(status: unknown): status is Status {
  return typeof status === 'object' && status !== null && (status as Partial<Status>).name === 'ringside-agent';
}
