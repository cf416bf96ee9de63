# The agent, the demo shop, and Grafana with the plugin. docker-compose.yml builds all three; the agent alone:
#
#   docker build --target agent --tag ringside/agent .
#
# BASE builds, and gives its Node, the current LTS; RUNTIME is what the images stand on. Both are Debian, of the same
# release.
ARG BASE=node:26.10.0-bookworm-slim
ARG RUNTIME=debian:12.12-slim
ARG GRAFANA=grafana/grafana:12.4.10

# Packages first, in a layer of their own: it is made again only when their lists change.
FROM ${BASE} AS packages
WORKDIR /ringside
COPY package.json package-lock.json .npmrc ./
COPY scripts/setup.mjs scripts/
COPY scripts/setup/ scripts/setup/
RUN node scripts/setup.mjs prepare

FROM packages AS build
COPY . .
# Node is 33 MB smaller without the names of its functions, which only a debugger reads.
RUN node scripts/setup.mjs build bpf native agent demo && strip -o build/node "$(command -v node)"

# Node itself and the libraries that it (libatomic) and the addon are linked with; no npm, no compiler.
FROM ${RUNTIME} AS runtime
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libatomic1 libbpf1 libstdc++6 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
COPY --from=build /ringside/build/node /usr/local/bin/node
ENV NODE_ENV=production
# The young generation of V8 otherwise grows to 16 MB and more before it is looked at (scripts/start/agent.ts).
ENTRYPOINT ["node", "--max-semi-space-size=1", "--v8-pool-size=1", "/opt/ringside/main.js"]

FROM runtime AS demo
COPY --from=build /ringside/build/demo /opt/ringside
USER nobody

# Root, because capabilities that a container is given reach other users only as their limit. Give it BPF, PERFMON and
# NET_ADMIN, and the host's /sys/fs/cgroup; it needs no more, and neither --privileged nor the host's network.
FROM runtime AS agent
COPY --from=build /ringside/build/agent /opt/ringside
EXPOSE 9420
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["node", "-e", "fetch('http://127.0.0.1:9420/readyz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]

FROM packages AS plugin
COPY . .
RUN node scripts/setup.mjs build plugin

FROM ${GRAFANA} AS grafana
COPY --from=plugin /ringside/dist /var/lib/grafana/plugins/ringside-live-datasource
