/** The error answers every guarded route can give, for the schemas. */
import { ErrorBodySchema } from '../../wire/answer';

export const refusals = { '4xx': ErrorBodySchema, '5xx': ErrorBodySchema } as const;
