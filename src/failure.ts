import type { DataQueryError } from '@grafana/data';
import { isFetchError } from '@grafana/runtime';

const START_HERE =
  'Check that ringside-agent runs, that Grafana can reach it at this URL, and that http or https and the TLS options match.';

/** What Grafana's data proxy answers in place of an agent, by status: what is wrong, and what to do. */
const BY_STATUS: Record<number, string> = {
  401: 'Your Grafana session has ended. Sign in again.',
  403: 'Grafana refuses to pass this request on. Its administrator can allow it in the [security] data_source_proxy_whitelist setting.',
  404: 'Something answers at this URL, but it is not a Ringside agent. Check host, port and path.',
  405: 'Something answers at this URL, but it is not a Ringside agent. Check host, port and path.',
  502: `No agent answers. ${START_HERE}`,
  503: 'The agent is not ready, or busy. Try again in a few seconds; its log has the reason.',
  504: `No agent answered in time. ${START_HERE}`,
};

const UNAUTHORIZED =
  'The agent does not know you: enter the bearer token it was started with in the settings of this data source, and, where it asks for one, a client certificate.';

/** One sentence or two about a request that failed, for a person who can do something about it. */
export function describeFailure(error: unknown): string {
  if (!isFetchError(error)) {
    return error instanceof Error && error.message ? error.message : 'Grafana could not be reached.';
  }
  const { status, data } = error;
  const message = messageOf(data);
  // Grafana turns the agent's 401 into this, so that its own sign-in page does not open.
  if (message.includes('Authentication to data source failed')) {
    return UNAUTHORIZED;
  }
  // The agent's own errors say it better than any status.
  if (isAgentError(data)) {
    return message;
  }
  return BY_STATUS[status] ?? (message || `The request failed with status ${status}. ${START_HERE}`);
}

/** A request that failed, for Grafana's panels. One that was cancelled is none to report, and passes as Grafana made it. */
export function toQueryError(error: unknown): DataQueryError {
  if (isFetchError(error) && error.cancelled) {
    return error;
  }
  return { message: describeFailure(error), ...(isFetchError(error) && { status: error.status }) };
}

function messageOf(data: unknown): string {
  if (typeof data === 'string') {
    return data;
  }
  return isRecord(data) && typeof data.message === 'string' ? data.message : '';
}

function isAgentError(data: unknown): boolean {
  return isRecord(data) && typeof data.code === 'string' && typeof data.message === 'string';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
