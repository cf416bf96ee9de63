/** `GET /api/v1/status`: who this agent is, what it costs, what it lost, how far back it remembers. */
import { readFileSync } from 'node:fs';
import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { StatusSchema, type Status } from '../../../wire/status';
import { WIRE_VERSION } from '../../../wire/version';
import type { AgentContext } from '../context';
import { refusals } from '../refusals';

export const statusRoutes: FastifyPluginCallbackTypebox<AgentContext> = (app, context, done) => {
  app.get(
    '/api/v1/status',
    {
      schema: {
        summary: 'The agent, its programs, its losses and its history',
        tags: ['agent'],
        response: { 200: StatusSchema, ...refusals },
      },
    },
    () => statusOf(context)
  );
  done();
};

function statusOf({ history, collector, ticker, ...agent }: AgentContext): Status {
  const startMs = performance.now();
  const { kernelMapBytes, notices, ...measuring } = collector.status();
  return {
    name: 'ringside-agent',
    wire: WIRE_VERSION,
    version: agent.version,
    node: agent.node,
    kernel: agent.kernelRelease,
    bootEpochMs: agent.bootEpochMs,
    nowMs: Date.now(),
    scope: agent.scope,
    ...measuring,
    ...(agent.pins && { pins: agent.pins }),
    identity: agent.owners.status(),
    history: { bytes: history.bytes, tiers: history.starts(), file: history.file?.status },
    memory: { ...processMemory(), kernelMapBytes },
    notices: [
      ...agent.warnings,
      ...(history.file?.notices ?? []),
      ...(ticker.readiness.ready ? [] : [ticker.readiness.reason]),
      ...pausesOf(ticker),
      ...notices,
    ],
    nodes: [{ node: agent.node, state: 'ok', latencyMs: performance.now() - startMs }],
  };
}

function pausesOf({ stats }: AgentContext['ticker']): string[] {
  const { longestPauseMs, longestPauseEndMs } = stats;
  return longestPauseMs === 0
    ? []
    : [
        `The kernel was not read for ${Math.round(longestPauseMs / 1000)} s until ` +
          `${new Date(longestPauseEndMs).toISOString()}: the agent was stopped, or had no processor. ` +
          'What happened meanwhile is counted, as one point of a graph.',
      ];
}

/** Anonymous memory is what is really the agent's own; the rest of the resident set is files, Node's binary for the most. */
function processMemory(): { residentBytes: number; anonymousBytes: number } {
  const status = readFileSync('/proc/self/status', 'utf8');
  const bytesOf = (field: string) => Number(new RegExp(`^${field}:\\s*(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024;
  return { residentBytes: bytesOf('VmRSS'), anonymousBytes: bytesOf('RssAnon') };
}
