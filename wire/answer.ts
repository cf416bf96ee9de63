/** The answer, in the shape of Grafana's own `/api/ds/query`: data frames as JSON, by refId. */
import { Type, type Static } from 'typebox';

/** Grafana's field types that Ringside uses. */
export const FieldSchema = Type.Object({
  name: Type.String(),
  type: Type.Unsafe<'time' | 'number' | 'string'>({ type: 'string', enum: ['time', 'number', 'string'] }),
  labels: Type.Optional(Type.Record(Type.String(), Type.String())),
  config: Type.Optional(
    Type.Object({
      unit: Type.Optional(Type.String({ description: 'Grafana’s unit id: s, reqps, ops, Bps, bytes, percentunit, short.' })),
      displayNameFromDS: Type.Optional(Type.String()),
      description: Type.Optional(Type.String()),
      interval: Type.Optional(Type.Number({ description: 'Of a time field: milliseconds between points.' })),
      min: Type.Optional(Type.Number()),
      max: Type.Optional(Type.Number()),
      decimals: Type.Optional(Type.Number()),
    })
  ),
});
export type Field = Static<typeof FieldSchema>;

export const NoticeSchema = Type.Object({
  severity: Type.Unsafe<'info' | 'warning' | 'error'>({ type: 'string', enum: ['info', 'warning', 'error'] }),
  text: Type.String(),
});
export type Notice = Static<typeof NoticeSchema>;

export const FrameSchema = Type.Object({
  schema: Type.Object({
    refId: Type.String(),
    name: Type.Optional(Type.String()),
    meta: Type.Optional(
      Type.Object({
        type: Type.Optional(
          Type.String({ description: 'Grafana’s DataFrameType: timeseries-multi, heatmap-cells, histogram, table.' })
        ),
        preferredVisualisationType: Type.Optional(Type.String()),
        custom: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
        notices: Type.Optional(Type.Array(NoticeSchema)),
      })
    ),
    fields: Type.Array(FieldSchema),
  }),
  data: Type.Object({
    values: Type.Array(Type.Array(Type.Union([Type.Number(), Type.String(), Type.Null()])), {
      description: 'One column a field. Null is a gap.',
    }),
  }),
});
export type Frame = Static<typeof FrameSchema>;

export const ErrorBodySchema = Type.Object({
  code: Type.String(),
  message: Type.String(),
  details: Type.Optional(
    Type.Object({
      field: Type.Optional(Type.String()),
      received: Type.Optional(Type.Unknown()),
      allowed: Type.Optional(Type.Array(Type.String())),
      nearest: Type.Optional(Type.String()),
      limit: Type.Optional(Type.Number()),
    })
  ),
});

export const ResultSchema = Type.Object({
  frames: Type.Array(FrameSchema),
  error: Type.Optional(ErrorBodySchema),
  notices: Type.Optional(Type.Array(NoticeSchema)),
});
export type Result = Static<typeof ResultSchema>;

export const NodeSchema = Type.Object({
  node: Type.String(),
  state: Type.Unsafe<'ok' | 'error' | 'timeout'>({ type: 'string', enum: ['ok', 'error', 'timeout'] }),
  latencyMs: Type.Number(),
  message: Type.Optional(Type.String()),
});

export const QueryAnswerSchema = Type.Object({
  results: Type.Record(Type.String(), ResultSchema),
  notices: Type.Array(NoticeSchema),
  nodes: Type.Array(NodeSchema),
});
export type QueryAnswer = Static<typeof QueryAnswerSchema>;
