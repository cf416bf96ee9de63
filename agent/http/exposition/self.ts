/** What the agent says of itself, as metrics: its losses, its limits, its cost. */
import type { AgentContext } from '../context';
import { sample, type FamilyKind, type Format, type LabelPairs } from './format';

export function* selfLines(context: AgentContext, format: Format): Generator<string> {
  const { programs, series, losses, kernelMapBytes } = context.collector.status();
  const { stats, readiness } = context.ticker;
  const family = (
    name: string,
    kind: FamilyKind,
    help: string,
    samples: Array<[LabelPairs, number, suffix?: string]>,
    unit?: string
  ) =>
    format.header(name, kind, help, unit) +
    samples.map(([labels, value, suffix = '']) => sample(name + suffix, labels, value)).join('');

  yield family('ringside_build_info', 'info', 'The agent’s version, its node and the node’s kernel.', [
    [
      [
        ['version', context.version],
        ['node', context.node],
        ['kernel', context.kernelRelease],
      ],
      1,
    ],
  ]);
  yield family('ringside_ready', 'gauge', 'Whether the agent measures: 1, or 0 when the kernel is not read.', [
    [[], Number(readiness.ready)],
  ]);
  yield family(
    'ringside_start_time_seconds',
    'gauge',
    'When this agent started measuring, seconds since 1970.',
    [[[], context.bootEpochMs / 1000]],
    'seconds'
  );

  // Seen = recorded + in flight + everything lost, each under its name.
  yield family(
    'ringside_kernel_events_total',
    'counter',
    'Events each program saw, recorded, or could not record under their name, by outcome.',
    losses
      .filter(({ counter }) => counter !== IN_FLIGHT)
      .map(({ program, counter, value }) => [
        [
          ['program', program],
          ['outcome', counter],
        ],
        value,
      ])
  );
  yield family(
    'ringside_kernel_events_in_flight',
    'gauge',
    'Events that have begun and not ended.',
    losses.filter(({ counter }) => counter === IN_FLIGHT).map(({ program, value }) => [[['program', program]], value])
  );
  yield family(
    'ringside_series_used',
    'gauge',
    'Series each program keeps apart now.',
    series.map(({ program, used }) => [[['program', program]], used])
  );
  yield family(
    'ringside_series_limit',
    'gauge',
    'Series each program can keep apart; what comes after is counted as "other".',
    series.map(({ program, limit }) => [[['program', program]], limit])
  );

  const { owners, excluded, pods, unnamedPods, ...sources } = context.owners.status();
  yield family('ringside_cgroups', 'gauge', 'Cgroups that are there, by whether they are measured.', [
    [[['state', 'measured']], owners - excluded],
    [[['state', 'excluded']], excluded],
  ]);
  yield family('ringside_pods', 'gauge', 'Pods that are there, by whether their name is known.', [
    [[['state', 'named']], pods - unnamedPods],
    [[['state', 'unnamed']], unnamedPods],
  ]);
  yield family(
    'ringside_identity_source_ready',
    'gauge',
    'Whether a source of names answers; one that is not there to be asked is left out.',
    Object.entries(sources)
      .filter(([, { state }]) => state !== 'off')
      .map(([source, { state }]) => [[['source', source]], Number(state === 'ready')])
  );

  const measured = programs.filter(
    ({ runs, nanosecondsPerRun }) => runs !== undefined && nanosecondsPerRun !== undefined
  );
  yield family(
    'ringside_program_running',
    'gauge',
    'Whether a BPF program is attached.',
    programs.map(({ name, attach, state }) => [
      [
        ['program', name],
        ['attach', attach],
      ],
      Number(state === 'running'),
    ])
  );
  yield family(
    'ringside_program_runs_total',
    'counter',
    'Runs of a BPF program, while kernel.bpf_stats_enabled is 1.',
    measured.map(({ name, runs }) => [[['program', name]], runs!])
  );
  yield family(
    'ringside_program_run_seconds_total',
    'counter',
    'Time a BPF program ran, while kernel.bpf_stats_enabled is 1.',
    measured.map(({ name, runs, nanosecondsPerRun }) => [[['program', name]], (runs! * nanosecondsPerRun!) / 1e9])
  );

  yield family(
    'ringside_tick_duration_seconds',
    'summary',
    'Time it took to read the kernel into the history.',
    [
      [[], stats.totalSeconds, '_sum'],
      [[], stats.ticks, '_count'],
    ],
    'seconds'
  );
  yield family(
    'ringside_tick_duration_max_seconds',
    'gauge',
    'The longest it took.',
    [[[], stats.longestSeconds]],
    'seconds'
  );
  yield family('ringside_tick_failures_total', 'counter', 'Readings of the kernel that failed.', [
    [[], stats.failures],
  ]);
  yield family('ringside_tick_overruns_total', 'counter', 'Readings that were left out because the agent was busy.', [
    [[], stats.overruns],
  ]);

  const tiers = context.history.starts();
  yield family(
    'ringside_history_start_time_seconds',
    'gauge',
    'The oldest instant the history knows, seconds since 1970, by tier.',
    tiers.flatMap(({ stepMs, startMs }) =>
      startMs === null ? [] : [[[['step', `${stepMs / 1000}s`]], startMs / 1000]]
    ),
    'seconds'
  );
  yield family(
    'ringside_history_bytes',
    'gauge',
    'The fixed size of the history, by tier.',
    tiers.map(({ stepMs, bytes }) => [[['step', `${stepMs / 1000}s`]], bytes]),
    'bytes'
  );
  const file = context.history.file?.status;
  if (file) {
    yield family('ringside_history_file_writing', 'gauge', 'Whether the history is kept in its file.', [
      [[], Number(file.state === 'writing')],
    ]);
    yield family(
      'ringside_history_file_written_bytes_total',
      'counter',
      'Written to the history file.',
      [[[], file.writtenBytes]],
      'bytes'
    );
  }
  yield family('ringside_kernel_map_bytes', 'gauge', 'Memory of the BPF maps.', [[[], kernelMapBytes]], 'bytes');

  const { user, system } = process.cpuUsage();
  yield family('process_cpu_seconds_total', 'counter', 'Processor time the agent used.', [[[], (user + system) / 1e6]]);
  yield family(
    'process_resident_memory_bytes',
    'gauge',
    'Resident memory of the agent.',
    [[[], process.memoryUsage.rss()]],
    'bytes'
  );
}

const IN_FLIGHT = 'in_flight';
