/** Every error the agent can answer with: a string code, its HTTP status, and what the reader should do about it. */
export const ERRORS = {
  malformed_request: {
    status: 400,
    help: 'It is not an HTTP/1.1 request, its headers are too large, or it arrived too slowly.',
  },
  invalid_body: { status: 400, help: 'The body is not JSON, or not an object of the shape in /openapi.json.' },
  invalid_field: { status: 400, help: 'A field has a value it cannot have; details.field names it.' },
  unknown_field: {
    status: 400,
    help: 'The request has a field that does not exist; details.nearest names the likely one.',
  },
  invalid_range: { status: 400, help: '"from" must be before "to", both in milliseconds since 1970.' },
  unknown_metric: { status: 400, help: 'GET /api/v1/metrics lists the metrics; details.nearest names the likely one.' },
  unknown_label: { status: 400, help: 'The metric has no such label; details.nearest names the likely one.' },
  unsupported_select: { status: 400, help: 'This metric cannot be asked that; details.allowed lists what it can.' },
  invalid_regex: { status: 400, help: 'The pattern is not RE2 syntax, or too long.' },
  too_many_queries: { status: 400, help: 'Split the request.' },
  too_many_points: { status: 400, help: 'Ask for a shorter range or a longer step.' },
  too_many_series: { status: 400, help: 'Group by fewer labels, filter, or ask for the top N.' },
  body_too_large: { status: 413, help: 'The body is over the limit that details.limit names.' },
  unsupported_media_type: { status: 415, help: 'Send application/json.' },
  unauthorized: {
    status: 401,
    help: 'Send "Authorization: Bearer <token>" with the token the agent was started with.',
  },
  not_found: { status: 404, help: 'There is no such route; GET /openapi.json lists them.' },
  method_not_allowed: { status: 405, help: 'The route exists, with another method.' },
  overloaded: { status: 503, help: 'The agent is answering as many queries as it may; try again.' },
  not_ready: { status: 503, help: 'The agent is still starting, or has lost its kernel programs.' },
  internal: { status: 500, help: 'A fault of the agent’s; its log has the reason.' },
} as const satisfies Record<string, { status: number; help: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** The body of every error answer, and of `results[refId].error`. */
export interface ErrorBody {
  code: ErrorCode;
  /** One sentence: what was wrong, what was received, what to do. */
  message: string;
  details?: ErrorDetails;
}

export interface ErrorDetails {
  field?: string;
  received?: unknown;
  allowed?: readonly string[];
  nearest?: string;
  limit?: number;
}

/** An error that reaches the caller as it is. Recognised by `name`, which also works across realms. */
export class WireError extends Error {
  override readonly name = 'WireError';

  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly details?: ErrorDetails
  ) {
    super(message);
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  toBody(): ErrorBody {
    return { code: this.code, message: this.message, ...(this.details && { details: this.details }) };
  }
}

export function isWireError(error: unknown): error is WireError {
  return error instanceof Error && error.name === 'WireError';
}
