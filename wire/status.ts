/** `GET /api/v1/status`, `/api/v1/metrics` and `/api/v1/labels/:label/values`. */
import { Type, type Static } from 'typebox';
import { NodeSchema } from './answer';

export { WIRE_VERSION } from './version';

export const ProgramSchema = Type.Object({
  name: Type.String(),
  attach: Type.String({ description: 'Where it is attached: cgroup_skb/ingress, tp_btf/inet_sock_set_state …' }),
  state: Type.Unsafe<'running' | 'off'>({ type: 'string', enum: ['running', 'off'] }),
  reason: Type.Optional(Type.String({ description: 'Why it is off.' })),
  runs: Type.Optional(Type.Number({ description: 'Runs since load, while kernel.bpf_stats_enabled is 1.' })),
  nanosecondsPerRun: Type.Optional(Type.Number()),
});

export const IdentitySourceSchema = Type.Object({
  state: Type.Unsafe<'off' | 'connecting' | 'ready' | 'failing'>({
    type: 'string',
    enum: ['off', 'connecting', 'ready', 'failing'],
  }),
  reason: Type.String({ description: 'Why names are missing; empty when they are not.' }),
  known: Type.Integer({ description: 'Pods or containers it knows.' }),
});

export const StatusSchema = Type.Object({
  name: Type.Literal('ringside-agent'),
  wire: Type.Integer(),
  version: Type.String(),
  node: Type.String(),
  kernel: Type.String({ description: 'uname -r' }),
  bootEpochMs: Type.Number({ description: 'When this agent started; with pins, what it tells may be older.' }),
  nowMs: Type.Number(),
  scope: Type.String({ description: 'The cgroup that is measured.' }),
  programs: Type.Array(ProgramSchema),
  pins: Type.Optional(
    Type.Object(
      {
        state: Type.Unsafe<'off' | 'pinned'>({ type: 'string', enum: ['off', 'pinned'] }),
        reason: Type.String({ description: 'Why nothing is pinned; empty when it is.' }),
        directory: Type.Optional(Type.String()),
        sinceMs: Type.Optional(Type.Number({ description: 'Since when the kernel’s counts run.' })),
      },
      { description: 'Whether the programs count on while no agent runs.' }
    )
  ),
  series: Type.Array(
    Type.Object({
      program: Type.String(),
      used: Type.Integer(),
      limit: Type.Integer(),
    })
  ),
  /** Counters of everything that was seen and not recorded under its name, by program. */
  losses: Type.Array(
    Type.Object({
      program: Type.String(),
      counter: Type.String({ description: 'seen, recorded, in_flight, unparsed, overflowed, evicted …' }),
      value: Type.Number(),
      help: Type.String(),
    })
  ),
  /** Whose traffic it is, and who says so. */
  identity: Type.Object({
    owners: Type.Integer({ description: 'Cgroups that are there.' }),
    excluded: Type.Integer({ description: 'Of these, the ones that are not measured.' }),
    pods: Type.Integer({ description: 'Pods among them.' }),
    unnamedPods: Type.Integer({ description: 'Of these, the ones that only their UID is known of.' }),
    kubernetes: IdentitySourceSchema,
    docker: IdentitySourceSchema,
  }),
  history: Type.Object({
    bytes: Type.Integer({ description: 'The fixed budget.' }),
    tiers: Type.Array(
      Type.Object({
        stepMs: Type.Integer(),
        startMs: Type.Union([Type.Number(), Type.Null()], { description: 'The oldest instant it still knows.' }),
        bytes: Type.Integer(),
      })
    ),
    file: Type.Optional(
      Type.Object(
        {
          path: Type.String(),
          state: Type.Unsafe<'writing' | 'failing'>({ type: 'string', enum: ['writing', 'failing'] }),
          reason: Type.String({ description: 'Why nothing is written to it; empty when it is.' }),
          bytes: Type.Integer({ description: 'Its fixed size.' }),
          writtenBytes: Type.Number({ description: 'Written to it since this agent started.' }),
        },
        { description: 'Where the past is kept on disk, too; absent without --history-file.' }
      )
    ),
  }),
  memory: Type.Object({
    residentBytes: Type.Integer(),
    anonymousBytes: Type.Integer(),
    kernelMapBytes: Type.Integer(),
  }),
  notices: Type.Array(Type.String()),
  nodes: Type.Array(NodeSchema),
});
export type Status = Static<typeof StatusSchema>;

export const MetricsAnswerSchema = Type.Object({
  metrics: Type.Array(
    Type.Object({
      name: Type.String(),
      kind: Type.Unsafe<'histogram' | 'counter' | 'gauge'>({ type: 'string', enum: ['histogram', 'counter', 'gauge'] }),
      unit: Type.String(),
      labels: Type.Array(Type.String()),
      selects: Type.Array(Type.String()),
      help: Type.String(),
    })
  ),
});
export type MetricsAnswer = Static<typeof MetricsAnswerSchema>;

export const LabelValuesSchema = Type.Object({
  label: Type.String(),
  values: Type.Array(Type.String()),
  truncated: Type.Boolean(),
});
export type LabelValues = Static<typeof LabelValuesSchema>;
