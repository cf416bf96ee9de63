/** The query, as it travels: `POST /api/v1/query`. */
import { Type, type Static } from 'typebox';
import { LIMITS, MATCH_OPERATORS } from './limits';
import { SELECTS } from './metrics';

export * from './limits';

const literals = <T extends readonly string[]>(values: T, description: string) =>
  Type.Unsafe<T[number]>({ type: 'string', enum: [...values], description });

export const MatcherSchema = Type.Object(
  {
    label: Type.String({ maxLength: LIMITS.nameLength, description: 'A label of the metric.' }),
    op: literals(MATCH_OPERATORS, 'Equality, or an anchored regular expression in RE2 syntax.'),
    value: Type.String({ maxLength: LIMITS.patternLength, description: 'What to compare with; absent labels are empty.' }),
  },
  { additionalProperties: false }
);
export type Matcher = Static<typeof MatcherSchema>;

export const QuerySchema = Type.Object(
  {
    refId: Type.String({ minLength: 1, maxLength: LIMITS.nameLength, description: 'Names the answer in `results`.' }),
    metric: Type.String({ maxLength: LIMITS.nameLength, description: 'A name of the catalogue.' }),
    select: literals(SELECTS, 'What to compute.'),
    quantiles: Type.Optional(
      Type.Array(Type.Number({ minimum: 0, maximum: 1 }), {
        minItems: 1,
        maxItems: LIMITS.quantiles,
        description: 'For `quantile`: ranks from 0 to 1. Default: 0.5, 0.9, 0.99.',
      })
    ),
    by: Type.Optional(
      Type.Array(Type.String({ maxLength: LIMITS.nameLength }), {
        maxItems: 20,
        description: 'Labels to keep; series that agree on them are merged. Default: none, one series.',
      })
    ),
    where: Type.Optional(Type.Array(MatcherSchema, { maxItems: LIMITS.matchers })),
    stepMs: Type.Optional(
      Type.Integer({ minimum: 1000, maximum: 86_400_000, description: 'Width of a point; wins over `maxPoints`.' })
    ),
    maxPoints: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMITS.points })),
    top: Type.Optional(
      Type.Integer({ minimum: 1, maximum: LIMITS.top, description: 'Keep the N series with the largest values.' })
    ),
    instant: Type.Optional(
      Type.Boolean({ description: 'One value per series over the whole range, as one table frame.' })
    ),
  },
  { additionalProperties: false }
);
export type Query = Static<typeof QuerySchema>;

export const QueryRequestSchema = Type.Object(
  {
    from: Type.Integer({ minimum: 0, description: 'Start of the range, milliseconds since 1970.' }),
    to: Type.Integer({ minimum: 0, description: 'End of the range; in the future it is now.' }),
    scope: Type.Optional(literals(['cluster', 'node'] as const, 'Ask every node, or this agent alone.')),
    queries: Type.Array(QuerySchema, { minItems: 1, maxItems: LIMITS.queries }),
  },
  { additionalProperties: false }
);
export type QueryRequest = Static<typeof QueryRequestSchema>;
