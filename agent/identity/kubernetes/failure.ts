/** Why the API server did not give what was asked for: a sentence for whoever runs the agent, and what to do next. */
import { cleanName } from '../names';

/** A server's own words are quoted up to here. */
const MAX_QUOTE_LENGTH = 300;

export interface FailureDetails {
  /** The HTTP status, or that of an ERROR event. */
  code?: number;
  /** The server cannot continue where we were: begin with a new list. */
  expired?: boolean;
  /** How long the server asks to be left alone. */
  retryAfterMs?: number;
  /** The token it does not accept. */
  refusedToken?: string;
}

export class ApiFailure extends Error {
  override readonly name = 'ApiFailure';

  constructor(
    sentence: string,
    readonly details: FailureDetails = {}
  ) {
    super(sentence);
  }
}

/** The `Status` that the API server sends instead of what was asked for, as far as it matters. */
export interface ApiStatus {
  code?: number;
  reason?: string;
  message?: string;
  retryAfterSeconds?: number;
}

/** @param value whatever came; what is not a `Status` says nothing */
export function readStatus(value: unknown): ApiStatus {
  const status = Object(value) as { [key: string]: unknown };
  const { retryAfterSeconds } = Object(status.details) as { retryAfterSeconds?: unknown };
  return {
    code: typeof status.code === 'number' ? status.code : undefined,
    reason: typeof status.reason === 'string' ? status.reason : undefined,
    message: typeof status.message === 'string' ? status.message : undefined,
    retryAfterSeconds: typeof retryAfterSeconds === 'number' ? retryAfterSeconds : undefined,
  };
}

/** Gone, in each of the ways in which servers say it; and a version from the future, after etcd was restored. */
export function isExpired({ code, reason, message }: ApiStatus): boolean {
  return (
    code === 410 || reason === 'Expired' || reason === 'Gone' || (message ?? '').includes('Too large resource version')
  );
}

export function quote(text: string): string {
  return cleanName(text.trim(), MAX_QUOTE_LENGTH);
}

/** What is wrong when no answer came at all. */
export function explainNetwork(error: unknown, url: string, caFile: string | undefined): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const authority = caFile === undefined ? 'the authorities that this system trusts' : `the authority in ${caFile}`;
  switch (code) {
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'CERT_SIGNATURE_FAILURE':
      return (
        `The certificate of ${url} is not signed by ${authority} (${code}); ` +
        "give the cluster's certificate authority with --kubernetes-ca-file."
      );
    case 'CERT_HAS_EXPIRED':
      return `The certificate of ${url} has expired, or this machine's clock is wrong: it shows ${new Date().toISOString()}.`;
    case 'CERT_NOT_YET_VALID':
      return `The certificate of ${url} is not valid yet; this machine's clock shows ${new Date().toISOString()}.`;
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `The certificate of ${url} is for another host (${quote(message)}); give a host it names with --kubernetes.`;
    case 'ECONNREFUSED':
      return `Nothing listens on ${url} (ECONNREFUSED).`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `The host of ${url} has no address (${code}).`;
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ETIMEDOUT':
      return `${url} cannot be reached (${code}).`;
    case 'ECONNRESET':
    case 'EPIPE':
      return `${url} cut the connection (${code}).`;
    default:
      return `${url} cannot be asked (${code ? `${code}: ` : ''}${quote(message ?? String(error))}).`;
  }
}
